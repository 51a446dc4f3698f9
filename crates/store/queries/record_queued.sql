-- The row decides whether a certificate is new: whoever inserts it pushes the job, in the same transaction.
INSERT INTO certferry.certificate_status (certificate_id, run_id)
SELECT certificate_id, $2 FROM unnest($1::bigint[]) AS selected (certificate_id)
ORDER BY certificate_id
ON CONFLICT DO NOTHING
RETURNING certificate_id
