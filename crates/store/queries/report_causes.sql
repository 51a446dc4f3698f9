-- What failed certificates have in common: each code, field and value of the source, with how many certificates have that issue
-- and how many have no other one; the most frequent first. What is null does not restrict.
SELECT
    coalesce(issue ->> 'kind', error_kind) AS "kind!",
    coalesce(issue ->> 'code', error_code) AS "code!",
    issue ->> 'field' AS field,
    left(issue ->> 'raw', 1000) AS raw,
    count(*) AS "certificates!",
    count(*) FILTER (WHERE jsonb_array_length(issues) <= 1) AS "alone!",
    min(certificate_id) AS "first_certificate_id!",
    count(*) OVER () AS "causes!"
FROM certferry.certificate_status
LEFT JOIN LATERAL jsonb_array_elements(issues) AS issue ON TRUE
WHERE state = 'failed'
  AND ($1::text[] IS NULL OR state = ANY($1))
  AND ($2::text[] IS NULL OR error_kind = ANY($2))
  AND ($3::text[] IS NULL OR error_code = ANY($3))
  AND ($4::text[] IS NULL OR issues #>> '{0,field}' = ANY($4))
  AND ($5::text[] IS NULL OR ecu_number = ANY($5))
  AND ($6::bigint[] IS NULL OR certificate_id = ANY($6))
  AND ($7::bigint IS NULL OR run_id = $7)
  AND ($8::timestamptz IS NULL OR coalesce(finished_at, enqueued_at) >= $8)
GROUP BY 1, 2, 3, 4
ORDER BY 5 DESC, 6 DESC, 2, 3, 4
LIMIT $9
