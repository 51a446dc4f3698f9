-- The failed certificate that finished last.
SELECT
    certificate_id,
    error_code AS "code!",
    error_message AS "message!",
    finished_at AS "at!"
FROM certferry.certificate_status
WHERE state = 'failed'
ORDER BY finished_at DESC, certificate_id DESC
LIMIT 1
