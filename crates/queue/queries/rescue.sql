-- The jobs of workers that have not been seen for a while go back into the queue; the run that died counts.
WITH orphan AS (
    SELECT job.id, job.lock_at, job.lock_by
    FROM apalis.workers AS worker
    JOIN apalis.jobs AS job ON job.lock_by = worker.id
    WHERE worker.worker_type = $1
      AND worker.last_seen < now() - $2::double precision * interval '1 second'
      AND job.status IN ('Queued', 'Running')
    FOR UPDATE OF job SKIP LOCKED
)
UPDATE apalis.jobs AS job
SET status = 'Pending', lock_by = NULL, lock_at = NULL, attempts = attempts + 1, priority = priority + 1, run_at = now()
FROM orphan
WHERE job.id = orphan.id
RETURNING job.id, job.job, job.attempts, job.priority AS "crashes!",
          coalesce(orphan.lock_at, now()) AS "claimed_at!", orphan.lock_by AS worker
