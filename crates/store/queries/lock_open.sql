SELECT certificate_id
FROM certferry.certificate_status
WHERE certificate_id = ANY($1::bigint[]) AND state = 'queued'
ORDER BY certificate_id
FOR NO KEY UPDATE
