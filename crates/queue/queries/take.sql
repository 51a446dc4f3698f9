-- A person takes the job of one certificate, whether it is due or not, unless a worker or another person has it who was
-- seen lately. One row for each job of the certificate, whether it was taken; none where it has none.
WITH free AS (
    SELECT job.id
    FROM apalis.jobs AS job
    WHERE job.job_type = $1 AND job.idempotency_key = $2
      AND (
          job.status NOT IN ('Running', 'Queued')
          OR job.lock_by IS NOT DISTINCT FROM $3
          OR NOT EXISTS (
              SELECT FROM apalis.workers AS holder
              WHERE holder.id = job.lock_by AND holder.last_seen >= now() - $4::double precision * interval '1 second'
          )
      )
    FOR UPDATE SKIP LOCKED
),
taken AS (
    UPDATE apalis.jobs AS job
    SET status = 'Running', lock_by = $3, lock_at = now()
    FROM free
    WHERE job.id = free.id
    RETURNING job.id
)
SELECT taken.id IS NOT NULL AS "is_taken!"
FROM apalis.jobs AS job
LEFT JOIN taken ON taken.id = job.id
WHERE job.job_type = $1 AND job.idempotency_key = $2
