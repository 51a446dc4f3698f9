-- Rows that are final are locked too: a retry that would make one queued again waits for this transaction, and then finds no
-- job that this transaction is about to complete.
SELECT certificate_id, state = 'queued' AS "is_open!"
FROM certferry.certificate_status
WHERE certificate_id = ANY($1::bigint[])
ORDER BY certificate_id
FOR NO KEY UPDATE
