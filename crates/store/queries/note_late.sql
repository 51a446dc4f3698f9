INSERT INTO certferry.late_result (certificate_id, worker)
SELECT certificate_id, $2 FROM unnest($1::bigint[]) AS late (certificate_id)
