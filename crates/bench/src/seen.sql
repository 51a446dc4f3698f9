SELECT 1000 * extract(epoch FROM clock_timestamp() - enqueued_at)::float8,
       1000 * extract(epoch FROM finished_at - enqueued_at)::float8
FROM certferry.certificate_status
WHERE certificate_id = $1 AND state = 'migrated'
