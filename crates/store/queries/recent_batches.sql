-- What the circuit breaker judges by, since the run was last resumed: the newest batches that have at least $1 certificates
-- together, with the code of most failures among them; and of the newest $2 batches, how many met an error of
-- infrastructure.
WITH RECURSIVE since AS (
    SELECT coalesce(max(resumed_at), '-infinity') AS resumed_at FROM certferry.pause
),
-- One batch after the other, until there are enough.
judged AS (
    (
        SELECT id, failures, certificates::bigint AS certificates, certificates::bigint AS reached
        FROM certferry.recent_batch, since
        WHERE recent_batch.certificates > 0 AND recent_batch.at > since.resumed_at
        ORDER BY id DESC
        LIMIT 1
    )
    UNION ALL
    SELECT older.id, older.failures, older.certificates, judged.reached + older.certificates
    FROM judged, since, LATERAL (
        SELECT id, failures, certificates::bigint AS certificates
        FROM certferry.recent_batch
        WHERE recent_batch.id < judged.id AND recent_batch.certificates > 0 AND recent_batch.at > since.resumed_at
        ORDER BY id DESC
        LIMIT 1
    ) AS older
    WHERE judged.reached < $1
),
worst AS (
    SELECT failure.key AS code, sum(failure.value::bigint) AS failed
    FROM judged, jsonb_each_text(judged.failures) AS failure
    GROUP BY failure.key
    ORDER BY 2 DESC, 1
    LIMIT 1
),
latest AS (
    SELECT infrastructure_error
    FROM certferry.recent_batch, since
    WHERE recent_batch.at > since.resumed_at
      -- Certificates that fail for good say nothing about infrastructure, either way.
      AND (
          infrastructure_error IS NOT NULL
          OR certificates > (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(failures))
      )
    ORDER BY id DESC
    LIMIT $2
)
SELECT
    (SELECT coalesce(sum(certificates), 0) FROM judged)::bigint AS "certificates!",
    (SELECT code FROM worst) AS code,
    (SELECT coalesce(max(failed), 0) FROM worst)::bigint AS "failed!",
    (SELECT count(infrastructure_error) FROM latest) AS "infrastructure_errors!",
    (SELECT max(infrastructure_error) FROM latest) AS infrastructure_error
