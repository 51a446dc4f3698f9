-- The state of each certificate that was ever enqueued, from one legacy id to another.
SELECT certificate_id, state
FROM certferry.certificate_status
WHERE certificate_id BETWEEN $1 AND $2
ORDER BY certificate_id
