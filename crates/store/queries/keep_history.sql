-- Keeps what locked status rows say before they are replaced, and those of a later run in the number of theirs: the trigger
-- takes them out of it when their run changes. $2: whether a later run queues them again.
WITH replaced AS (
    SELECT * FROM certferry.certificate_status WHERE certificate_id = ANY($1::bigint[]) AND state <> 'queued'
),
kept AS (
    INSERT INTO certferry.history (
        certificate_id, at, run_id, outcome, worker, reason, issues, warnings, new_certificate_id, new_vehicle_id
    )
    SELECT
        certificate_id, finished_at, run_id, state, worker, reason, issues, warnings, new_certificate_id, new_vehicle_id
    FROM replaced
    ORDER BY certificate_id
)
INSERT INTO certferry.tally (run_id, state, error_kind, error_code, error_field, certificates, in_run)
SELECT run_id, state, error_kind, error_code, issues #>> '{0,field}', 0, count(*)
FROM replaced
WHERE $2
GROUP BY run_id, state, error_kind, error_code, issues #>> '{0,field}'
