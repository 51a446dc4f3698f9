-- Puts jobs back to be run again after a while; the run that ended counts for nothing. By the key, as in complete.sql.
UPDATE apalis.jobs AS job
SET status = 'Pending', lock_by = NULL, lock_at = NULL, run_at = now() + set_back.delay_seconds * interval '1 second'
FROM unnest($1::text[], $2::double precision[]) AS set_back (id, delay_seconds)
WHERE job.id = set_back.id AND (job.lock_by = $3) IS TRUE
