-- What the circuit breaker judges by, since the run was last resumed: the newest batches that have at least $1 certificates
-- together, with the code of most failures among them; and the newest $2 batches, how many of them met an error of
-- infrastructure.
WITH since AS (
    SELECT coalesce(max(resumed_at), '-infinity') AS resumed_at FROM certferry.pause
),
newest AS (
    SELECT id, certificates, failures, infrastructure_error
    FROM certferry.recent_batch, since
    WHERE recent_batch.at > since.resumed_at
    ORDER BY id DESC
    LIMIT greatest($1::bigint, $2::bigint)
),
summed AS (
    SELECT certificates, failures, sum(certificates) OVER (ORDER BY id DESC) - certificates AS newer
    FROM newest
    WHERE certificates > 0
),
judged AS (
    SELECT certificates, failures FROM summed WHERE newer < $1
),
worst AS (
    SELECT failure.key AS code, sum(failure.value::bigint) AS failed
    FROM judged, jsonb_each_text(judged.failures) AS failure
    GROUP BY failure.key
    ORDER BY 2 DESC, 1
    LIMIT 1
),
latest AS (
    SELECT infrastructure_error FROM newest ORDER BY id DESC LIMIT $2
)
SELECT
    (SELECT coalesce(sum(certificates), 0) FROM judged)::bigint AS "certificates!",
    (SELECT code FROM worst) AS code,
    (SELECT coalesce(max(failed), 0) FROM worst)::bigint AS "failed!",
    (SELECT count(infrastructure_error) FROM latest) AS "infrastructure_errors!",
    (SELECT max(infrastructure_error) FROM latest) AS infrastructure_error
