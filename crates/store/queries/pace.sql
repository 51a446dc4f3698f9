-- What workers finished within the last minute, and in how many seconds: fewer than sixty when they began later.
SELECT coalesce(sum(certificates), 0)::bigint AS "finished!",
       extract(epoch FROM clock_timestamp() - greatest(min(started_at), clock_timestamp() - interval '1 minute'))::float8
           AS seconds
FROM certferry.tally
WHERE at > clock_timestamp() - interval '1 minute' AND certificates > 0 AND started_at IS NOT NULL
  AND state IN ('migrated', 'failed')
