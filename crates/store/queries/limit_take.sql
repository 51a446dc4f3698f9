-- Takes up to $1 tokens, whole ones. At most what comes in half a second is saved up, or one token where that is more: an
-- idle while is no licence for a flood. Nothing is returned where there is no limit.
WITH bucket AS (
    SELECT per_second, tokens, filled_at, clock_timestamp() AS now FROM certferry.rate_limit FOR UPDATE
),
filled AS (
    SELECT
        per_second, now,
        least(greatest(1, per_second / 2), tokens + per_second * extract(epoch FROM now - filled_at)::float8) AS tokens
    FROM bucket
),
taken AS (
    UPDATE certferry.rate_limit
    SET tokens = filled.tokens - least($1::integer, floor(filled.tokens)), filled_at = filled.now
    FROM filled
    RETURNING least($1::integer, floor(filled.tokens))::integer AS tokens, rate_limit.per_second
)
SELECT tokens AS "tokens!", per_second AS "per_second!" FROM taken
