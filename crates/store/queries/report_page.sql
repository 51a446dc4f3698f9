-- A page of the status table in the order of its key. `$2`: only migrated certificates, only the others, or all (null).
SELECT
    certificate_id,
    state,
    certificate_number,
    ecu_number,
    new_certificate_id,
    new_vehicle_id,
    attempts,
    error_kind,
    error_code,
    error_message,
    issues   AS "issues: Json<Vec<StoredIssue>>",
    warnings AS "warnings: Json<Vec<StoredWarning>>",
    run_id,
    reason,
    worker,
    enqueued_at,
    started_at,
    finished_at
FROM certferry.certificate_status
WHERE ($1::bigint IS NULL OR certificate_id > $1)
  AND ($2::boolean IS NULL OR (state = 'migrated') = $2)
ORDER BY certificate_id
LIMIT $3
