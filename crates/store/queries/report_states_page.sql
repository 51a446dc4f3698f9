-- A page of the certificates that have a status row, for a comparison with those of the source.
SELECT certificate_id, state
FROM certferry.certificate_status
WHERE $1::bigint IS NULL OR certificate_id > $1
ORDER BY certificate_id
LIMIT $2
