-- Claims up to a batch of due jobs of one priority. The priority of a job is the number of workers that died with it:
-- such jobs come first and in smaller batches, in the end alone, so that the one to blame is found.
--
-- The index still holds the entries of jobs that were claimed before; $4, the run_at of the last one this worker
-- claimed, spares reading past them again and again.
WITH suspect AS (
    SELECT priority
    FROM apalis.jobs
    WHERE job_type = $1
      AND (status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts))
      AND priority > 0
      AND run_at <= now()
    ORDER BY priority DESC
    LIMIT 1
),
due AS (
    SELECT id
    FROM apalis.jobs
    WHERE job_type = $1
      AND (status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts))
      AND priority = coalesce((SELECT priority FROM suspect), 0)
      AND run_at BETWEEN $4 AND now()
    ORDER BY run_at
    LIMIT ($3::integer[])[least(coalesce((SELECT priority FROM suspect), 0) + 1, cardinality($3))]
    FOR UPDATE SKIP LOCKED
)
UPDATE apalis.jobs AS job
SET status = 'Running', lock_by = $2, lock_at = now()
-- By the key, whatever the planner thinks how many there are.
WHERE job.id = ANY (ARRAY(SELECT id FROM due))
RETURNING job.id, job.job, job.attempts, job.priority AS "crashes!", job.lock_at AS "lock_at!", job.run_at,
    CASE WHEN $5::boolean THEN job.metadata::text END AS metadata
