SELECT id FROM apalis.workers
WHERE worker_type = $1 AND last_seen >= now() - $2::double precision * interval '1 second'
ORDER BY id
