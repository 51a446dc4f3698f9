-- Gives jobs back as they were: nothing was begun, no attempt is charged. By the key, as in complete.sql.
UPDATE apalis.jobs SET status = 'Pending', lock_by = NULL, lock_at = NULL
WHERE id = ANY($1::text[]) AND (lock_by = $2) IS TRUE
