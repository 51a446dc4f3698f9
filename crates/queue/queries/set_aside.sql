-- Killed is apalis's word for a job that is not run again.
UPDATE apalis.jobs SET status = 'Killed', lock_by = NULL, lock_at = NULL, done_at = now()
WHERE id = ANY($1::text[]) AND (lock_by = $2) IS TRUE
