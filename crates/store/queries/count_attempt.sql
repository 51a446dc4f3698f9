UPDATE certferry.certificate_status
SET attempts = attempts + 1
WHERE certificate_id = ANY($1::bigint[]) AND state = 'queued'
