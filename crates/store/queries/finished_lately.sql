-- What workers finished in each of the last $2 stretches of $1 seconds; stretch 0 is the newest one that is over. Stretches are
-- the clock's, so that their counts do not change from one look to the next.
WITH finished AS (
    SELECT (floor(extract(epoch FROM clock_timestamp()) / $1::float8) - 1 - floor(extract(epoch FROM at) / $1::float8))::integer AS stretch,
           certificates
    FROM certferry.tally
    WHERE at > clock_timestamp() - make_interval(secs => $1::float8 * ($2::integer + 1))
      AND certificates > 0 AND started_at IS NOT NULL AND state IN ('migrated', 'failed')
)
SELECT stretch AS "stretch!", sum(certificates)::bigint AS "certificates!"
FROM finished
WHERE stretch BETWEEN 0 AND $2::integer - 1
GROUP BY stretch
