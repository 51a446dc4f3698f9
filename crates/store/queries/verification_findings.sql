-- A page of what was found and nobody has accepted.
SELECT id AS "key!", certificate_id, new_certificate_id, verdict, field, raw, expected, found
FROM certferry.verification_finding
WHERE run_id = $1 AND NOT is_accepted
    AND ($2::bigint IS NULL OR (coalesce(certificate_id, 9223372036854775807), id) > ($3::bigint, $2))
ORDER BY coalesce(certificate_id, 9223372036854775807), id
LIMIT $4
