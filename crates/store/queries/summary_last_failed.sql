-- The failed certificate that finished last, among those that the tally names last; where all of these were queued again, of
-- all there are.
WITH named AS (
    SELECT certificate_id
    FROM certferry.tally
    WHERE state = 'failed' AND certificates > 0 AND ($1::bigint IS NULL OR run_id = $1)
    ORDER BY at DESC
    LIMIT 100
),
last_named AS (
    SELECT status.*
    FROM certferry.certificate_status AS status
    WHERE status.certificate_id = ANY (ARRAY(SELECT certificate_id FROM named))
      AND status.state = 'failed' AND ($1::bigint IS NULL OR status.run_id = $1)
    ORDER BY finished_at DESC, certificate_id DESC
    LIMIT 1
),
last_of_all AS (
    SELECT status.*
    FROM certferry.certificate_status AS status
    WHERE NOT EXISTS (SELECT FROM last_named)
      AND status.state = 'failed' AND ($1::bigint IS NULL OR status.run_id = $1)
    ORDER BY finished_at DESC, certificate_id DESC
    LIMIT 1
)
SELECT
    certificate_id AS "certificate_id!",
    error_code AS "code!",
    error_message AS "message!",
    finished_at AS "at!"
FROM (SELECT * FROM last_named UNION ALL SELECT * FROM last_of_all) AS last_failed
