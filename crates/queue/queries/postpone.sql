-- By the key, as in complete.sql.
UPDATE apalis.jobs AS job
SET status = 'Pending', lock_by = NULL, lock_at = NULL, attempts = attempts + 1,
    run_at = now() + postponed.delay_seconds * interval '1 second'
FROM unnest($1::text[], $2::double precision[]) AS postponed (id, delay_seconds)
WHERE job.id = postponed.id AND (job.lock_by = $3) IS TRUE
