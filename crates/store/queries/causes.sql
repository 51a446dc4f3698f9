-- What failed certificates failed of, by code and field of the first issue; of run $1 alone, where it is given.
SELECT
    coalesce(error_kind, '') AS "kind!",
    error_code AS "code!",
    error_field AS field,
    sum(CASE WHEN $1::bigint IS NULL THEN certificates ELSE in_run END)::bigint AS "certificates!"
FROM certferry.tally
WHERE state = 'failed' AND error_code IS NOT NULL AND ($1::bigint IS NULL OR run_id = $1)
GROUP BY error_kind, error_code, error_field
HAVING sum(CASE WHEN $1::bigint IS NULL THEN certificates ELSE in_run END) > 0
ORDER BY 4 DESC, error_code, error_field
LIMIT $2
