-- Claims up to a batch of due jobs of one priority. The priority of a job is the number of workers that died with it:
-- such jobs come first and in smaller batches, in the end alone, so that the one to blame is found.
WITH first_due AS (
    SELECT priority
    FROM apalis.jobs
    WHERE job_type = $1
      AND (status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts))
      AND run_at <= now()
    ORDER BY priority DESC, run_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
),
due AS (
    SELECT id
    FROM apalis.jobs
    WHERE job_type = $1
      AND (status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts))
      AND run_at <= now()
      AND priority = (SELECT priority FROM first_due)
    ORDER BY priority DESC, run_at
    LIMIT (SELECT ($3::integer[])[least(priority + 1, cardinality($3))] FROM first_due)
    FOR UPDATE SKIP LOCKED
)
UPDATE apalis.jobs AS job
SET status = 'Running', lock_by = $2, lock_at = now()
FROM due
WHERE job.id = due.id
RETURNING job.id, job.job, job.attempts, job.priority AS "crashes!", job.lock_at AS "lock_at!"
