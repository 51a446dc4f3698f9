-- The jobs of people who have not been seen for a while go back as they were: nothing was begun with them.
WITH left_behind AS (
    SELECT job.id
    FROM apalis.workers AS desk
    JOIN apalis.jobs AS job ON job.lock_by = desk.id
    WHERE desk.worker_type = $1 AND desk.last_seen < now() - $2::double precision * interval '1 second'
    FOR UPDATE OF job SKIP LOCKED
)
UPDATE apalis.jobs AS job
SET status = 'Pending', lock_by = NULL, lock_at = NULL
FROM left_behind
WHERE job.id = left_behind.id
