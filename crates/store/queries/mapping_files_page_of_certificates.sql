SELECT certificate_id AS "old_id!", new_certificate_id AS "new_id!"
FROM certferry.certificate_status
WHERE state = 'migrated' AND ($1::bigint IS NULL OR certificate_id > $1)
ORDER BY certificate_id
LIMIT $2
