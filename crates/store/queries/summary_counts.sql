-- One pass over the status table: how many certificates are in each state and failed by each code, and when.
-- Imported certificates were never started; when they came in says nothing about how long the migration took.
SELECT
    state,
    error_kind,
    error_code,
    count(*) AS "certificates!",
    min(enqueued_at) AS "first_enqueued_at!",
    min(started_at) AS first_started_at,
    max(finished_at) FILTER (WHERE started_at IS NOT NULL) AS last_finished_at,
    now() AS "as_of!"
FROM certferry.certificate_status
GROUP BY state, error_kind, error_code
ORDER BY 4 DESC, error_code
