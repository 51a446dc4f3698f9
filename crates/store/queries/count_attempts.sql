-- Counts and keeps runs of jobs that ended without a result.
WITH ended AS (
    SELECT *
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::jsonb[]) AS ended (certificate_id, outcome, worker, issues)
),
counted AS (
    UPDATE certferry.certificate_status AS status
    SET attempts = status.attempts + 1
    FROM ended
    WHERE status.certificate_id = ended.certificate_id AND status.state = 'queued'
    RETURNING status.certificate_id, status.run_id, ended.outcome, ended.worker, ended.issues
)
INSERT INTO certferry.history (certificate_id, run_id, outcome, worker, issues)
SELECT certificate_id, run_id, outcome, worker, issues FROM counted ORDER BY certificate_id
