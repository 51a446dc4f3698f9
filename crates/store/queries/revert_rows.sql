-- Migrated certificates as the destination has them, with what was kept when they were written.
SELECT
    status.certificate_id AS "certificate_id!", status.new_certificate_id AS "new_certificate_id!", status.new_vehicle_id,
    status.evidence, certificate.id IS NOT NULL AS "is_there!",
    certificate.certificate_number::text AS "certificate_number?", certificate.device_id AS "device_id?",
    certificate.customer_id AS "customer_id?", certificate.user_id AS "user_id?",
    certificate.calibration_technician_id AS "calibration_technician_id?",
    certificate.installation_technician_id AS "installation_technician_id?",
    certificate.speed_limit_kmh::bigint AS "speed_limit_kmh?", certificate.status::text AS "status?",
    certificate.issued_at AS "issued_at?", certificate.expires_at AS "expires_at?",
    certificate.calibrated_at AS "calibrated_at?", certificate.installed_at AS "installed_at?",
    certificate.remarks::text AS "remarks?",
    vehicle.id IS NOT NULL AS "has_vehicle!", vehicle.brand::text AS "brand?", vehicle.model::text AS "model?",
    vehicle.chassis_number::text AS "chassis_number?", vehicle.registration_number::text AS "registration_number?",
    vehicle.is_new_registration AS "is_new_registration?",
    EXISTS (
        SELECT FROM vehicles AS other
        WHERE other.certificate_id = certificate.id AND other.id IS DISTINCT FROM status.new_vehicle_id
    ) AS "has_other_vehicle!"
FROM certferry.certificate_status AS status
LEFT JOIN certificates AS certificate ON certificate.id = status.new_certificate_id
LEFT JOIN vehicles AS vehicle ON vehicle.id = status.new_vehicle_id AND vehicle.certificate_id = certificate.id
WHERE status.certificate_id = ANY($1::bigint[]) AND status.state = 'migrated'
ORDER BY status.certificate_id
