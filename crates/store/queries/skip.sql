-- A person sets certificates aside. How often their jobs ran, and what they are called, stays.
UPDATE certferry.certificate_status
SET state = 'skipped', error_kind = NULL, error_code = NULL, error_message = NULL, issues = '[]', warnings = '[]',
    worker = $2, reason = $3, finished_at = clock_timestamp()
WHERE certificate_id = ANY($1::bigint[])
