-- How many certificates a filter selects, by state. An array that is null does not restrict.
SELECT state, count(*) AS "certificates!"
FROM certferry.certificate_status
WHERE ($1::text[] IS NULL OR state = ANY($1))
  AND ($2::text[] IS NULL OR error_kind = ANY($2))
  AND ($3::text[] IS NULL OR error_code = ANY($3))
  AND ($4::text[] IS NULL OR issues #>> '{0,field}' = ANY($4))
  AND ($5::text[] IS NULL OR ecu_number = ANY($5))
  AND ($6::bigint[] IS NULL OR certificate_id = ANY($6))
  AND ($7::bigint IS NULL OR run_id = $7)
GROUP BY state
