SELECT certificate_id
FROM certferry.certificate_status
WHERE certificate_id >= $1 AND state = 'queued'
ORDER BY certificate_id
LIMIT $2
