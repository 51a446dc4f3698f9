SELECT count(*) AS "count!"
FROM certferry.certificate_status
WHERE state = $1
  AND ($2::text IS NULL OR error_kind = $2)
  AND ($3::text IS NULL OR error_code = $3)
  AND (cardinality($4::text[]) = 0 OR ecu_number = ANY($4))
  AND (cardinality($5::bigint[]) = 0 OR certificate_id = ANY($5))
