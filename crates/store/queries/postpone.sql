UPDATE certferry.certificate_status AS status
SET attempts = postponed.attempts
FROM unnest($1::bigint[], $2::integer[]) AS postponed (certificate_id, attempts)
WHERE status.certificate_id = postponed.certificate_id AND status.state = 'queued'
