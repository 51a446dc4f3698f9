-- An imported certificate counts as migrated whatever became of it here; a migrated one keeps its own row. Its number and
-- device are known where the destination has the certificate.
WITH entry AS (
    SELECT entry.old_id, entry.new_id, destination.certificate_number, destination.ecu_number, destination.vehicle_id
    FROM unnest($1::bigint[], $2::bigint[]) AS entry (old_id, new_id)
    LEFT JOIN LATERAL (
        SELECT certificate.certificate_number,
               (SELECT device.ecu_number FROM devices AS device WHERE device.id = certificate.device_id),
               (SELECT min(vehicle.id) FROM vehicles AS vehicle WHERE vehicle.certificate_id = certificate.id)
                   AS vehicle_id
        FROM certificates AS certificate
        WHERE certificate.id = entry.new_id
        LIMIT 1
    ) AS destination ON TRUE
)
INSERT INTO certferry.certificate_status AS status (
    certificate_id, state, certificate_number, ecu_number, new_certificate_id, new_vehicle_id, worker, finished_at
)
SELECT old_id, 'migrated', certificate_number, ecu_number, new_id, vehicle_id, 'imported', now()
FROM entry
ORDER BY old_id
ON CONFLICT (certificate_id) DO UPDATE
SET state = 'migrated',
    certificate_number = coalesce(excluded.certificate_number, status.certificate_number),
    ecu_number = coalesce(excluded.ecu_number, status.ecu_number),
    new_certificate_id = excluded.new_certificate_id,
    new_vehicle_id = excluded.new_vehicle_id,
    error_kind = NULL,
    error_code = NULL,
    error_message = NULL,
    issues = '[]',
    warnings = '[]',
    worker = excluded.worker,
    reason = NULL,
    started_at = NULL,
    finished_at = excluded.finished_at
WHERE status.state <> 'migrated'
RETURNING certificate_id
