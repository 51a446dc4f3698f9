-- A page of the certificates that a report is about, in the order of the table's key. What is null does not restrict.
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
WHERE ($9::bigint IS NULL OR certificate_id > $9)
  AND ($1::text[] IS NULL OR state = ANY($1))
  AND ($2::text[] IS NULL OR error_kind = ANY($2))
  AND ($3::text[] IS NULL OR error_code = ANY($3))
  AND ($4::text[] IS NULL OR issues #>> '{0,field}' = ANY($4))
  AND ($5::text[] IS NULL OR ecu_number = ANY($5))
  AND ($6::bigint[] IS NULL OR certificate_id = ANY($6))
  AND ($7::bigint IS NULL OR run_id = $7)
  AND ($8::timestamptz IS NULL OR coalesce(finished_at, enqueued_at) >= $8)
ORDER BY certificate_id
LIMIT $10
