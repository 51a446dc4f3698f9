-- Locks rows that are in one of the states, in the order of their ids.
SELECT certificate_id
FROM certferry.certificate_status
WHERE certificate_id = ANY($1::bigint[]) AND state = ANY($2::text[])
ORDER BY certificate_id
FOR NO KEY UPDATE
