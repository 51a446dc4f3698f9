DELETE FROM apalis.workers
WHERE id = $1 AND NOT EXISTS (SELECT FROM apalis.jobs WHERE lock_by = $1)
