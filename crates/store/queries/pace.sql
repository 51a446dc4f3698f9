-- What workers finished within the last minute, and in how many seconds: fewer than sixty when they began later.
SELECT count(*) AS "finished!",
       extract(epoch FROM clock_timestamp() - greatest(min(started_at), clock_timestamp() - interval '1 minute'))::float8
           AS seconds
FROM certferry.certificate_status
WHERE finished_at > clock_timestamp() - interval '1 minute' AND started_at IS NOT NULL
