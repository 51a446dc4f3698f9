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
WHERE certificate_id = $1
