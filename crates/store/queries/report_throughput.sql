-- How many certificates workers finished in each of $2 equal intervals, from the first to the last; of run $1 alone where it is
-- given. Intervals in which nothing was finished are left out.
WITH finished AS (
    SELECT at, state, certificates
    FROM certferry.tally
    WHERE state IN ('migrated', 'failed') AND certificates > 0 AND started_at IS NOT NULL
      AND ($1::bigint IS NULL OR run_id = $1)
),
whole AS (
    SELECT
        min(at) AS begun_at,
        greatest(ceil(extract(epoch FROM max(at) - min(at)) / $2::integer), 1)::double precision AS seconds
    FROM finished
)
SELECT
    begun_at AS "begun_at!",
    seconds AS "seconds!",
    floor(extract(epoch FROM at - begun_at) / seconds)::integer AS "interval!",
    coalesce(sum(certificates) FILTER (WHERE state = 'migrated'), 0)::bigint AS "migrated!",
    coalesce(sum(certificates) FILTER (WHERE state = 'failed'), 0)::bigint AS "failed!"
FROM finished
CROSS JOIN whole
GROUP BY 1, 2, 3
ORDER BY 3
