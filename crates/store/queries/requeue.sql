-- A page of failed (or skipped) certificates becomes queued again; how often their jobs ran stays.
WITH page AS (
    SELECT certificate_id
    FROM certferry.certificate_status
    WHERE certificate_id >= $1
      AND state = $2
      AND ($3::text IS NULL OR error_kind = $3)
      AND ($4::text IS NULL OR error_code = $4)
      AND (cardinality($5::text[]) = 0 OR ecu_number = ANY($5))
      AND (cardinality($6::bigint[]) = 0 OR certificate_id = ANY($6))
    ORDER BY certificate_id
    LIMIT $7
    FOR NO KEY UPDATE
)
UPDATE certferry.certificate_status AS status
SET state = 'queued', error_kind = NULL, error_code = NULL, error_message = NULL, issues = '[]', warnings = '[]',
    worker = NULL, enqueued_at = now(), started_at = NULL, finished_at = NULL
FROM page
WHERE status.certificate_id = page.certificate_id
RETURNING status.certificate_id
