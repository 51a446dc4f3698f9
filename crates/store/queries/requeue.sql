-- Certificates that were given up, set aside or taken back become queued again; how often their jobs ran stays.
UPDATE certferry.certificate_status
SET state = 'queued', error_kind = NULL, error_code = NULL, error_message = NULL, issues = '[]', warnings = '[]',
    worker = NULL, reason = NULL, evidence = NULL, run_id = $2, enqueued_at = clock_timestamp(), started_at = NULL, finished_at = NULL
WHERE certificate_id = ANY($1::bigint[])
