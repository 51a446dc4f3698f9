-- For how long the job that was claimed last has been, whether one could be claimed now, and when the next one can be where none
-- can be now. Whoever has a job is in lock_by, which has an index; a status has none.
WITH due AS (
    SELECT EXISTS (
        SELECT FROM apalis.jobs
        WHERE job_type = $1 AND (status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts)) AND run_at <= now()
    ) AS is_due
)
SELECT (
           SELECT extract(epoch FROM now() - max(lock_at))::float8 FROM apalis.jobs
           WHERE lock_by IS NOT NULL AND job_type = $1 AND status IN ('Running', 'Queued')
       ) AS claimed_seconds_ago,
       is_due AS "is_due!",
       CASE WHEN NOT is_due THEN (
           SELECT min(run_at) FROM apalis.jobs
           WHERE job_type = $1 AND (status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts))
       ) END AS next_at
FROM due
