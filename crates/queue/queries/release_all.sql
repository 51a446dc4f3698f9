-- Gives back whatever a worker that ends still has; no attempt is charged.
UPDATE apalis.jobs SET status = 'Pending', lock_by = NULL, lock_at = NULL WHERE lock_by = $1
