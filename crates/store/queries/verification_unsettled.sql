-- What was found in a range and is to be looked at again.
SELECT subject AS "key!", certificate_id, new_certificate_id, verdict, field, raw, expected, found
FROM certferry.verification_finding
WHERE run_id = $1 AND entity = $2 AND first = $3 AND NOT is_settled
ORDER BY id
