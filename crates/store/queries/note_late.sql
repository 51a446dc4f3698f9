-- A result of the same worker is not late: its commit was made and only the answer was lost. One that a person set aside
-- meanwhile is none either.
INSERT INTO certferry.late_result (certificate_id, worker)
SELECT certificate_id, $2
FROM certferry.certificate_status
WHERE certificate_id = ANY($1::bigint[]) AND state IN ('migrated', 'failed') AND worker IS DISTINCT FROM $2
