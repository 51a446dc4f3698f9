-- The failed certificates that finished last, among those that the tally names last: one of each batch and cause. Of run $1
-- alone, of code $2 alone, and with that of field $3 alone ('' where the issue is about none).
WITH named AS (
    SELECT certificate_id
    FROM certferry.tally
    WHERE state = 'failed' AND certificates > 0
      AND ($1::bigint IS NULL OR run_id = $1)
      AND ($2::text IS NULL OR error_code = $2)
      AND ($3::text IS NULL OR coalesce(error_field, '') = $3)
    ORDER BY at DESC
    LIMIT 200
)
SELECT
    certificate_id AS "certificate_id!",
    error_code AS "code!",
    coalesce(error_message, '') AS "message!",
    finished_at AS "at!"
FROM certferry.certificate_status
WHERE certificate_id = ANY (ARRAY(SELECT certificate_id FROM named))
  AND state = 'failed' AND finished_at IS NOT NULL AND error_code IS NOT NULL
  AND ($1::bigint IS NULL OR run_id = $1)
  AND ($2::text IS NULL OR error_code = $2)
  AND ($3::text IS NULL OR coalesce(issues #>> '{0,field}', '') = $3)
ORDER BY finished_at DESC, certificate_id DESC
LIMIT $4
