DELETE FROM apalis.workers AS worker
WHERE worker.worker_type = $1
  AND worker.last_seen < now() - interval '1 day'
  AND NOT EXISTS (SELECT FROM apalis.jobs WHERE lock_by = worker.id)
