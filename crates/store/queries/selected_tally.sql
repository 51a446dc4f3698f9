-- How many certificates a filter selects, by state, where it asks for nothing that the tally does not know. An array that is
-- null does not restrict.
SELECT state, sum(certificates)::bigint AS "certificates!"
FROM certferry.tally
WHERE ($1::text[] IS NULL OR state = ANY($1))
  AND ($2::text[] IS NULL OR error_kind = ANY($2))
  AND ($3::text[] IS NULL OR error_code = ANY($3))
  AND ($4::text[] IS NULL OR error_field = ANY($4))
  AND ($5::bigint IS NULL OR run_id = $5)
GROUP BY state
HAVING sum(certificates) <> 0
