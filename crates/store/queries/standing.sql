-- What the status table says of certificates, and what the destination has of those that were migrated.
SELECT
    status.certificate_id AS "certificate_id!", status.state AS "state!", status.certificate_number AS recorded_number,
    status.ecu_number AS recorded_ecu_number, status.new_certificate_id, status.new_vehicle_id,
    status.issues AS "issues!", status.warnings AS "warnings!", status.evidence,
    certificate.id IS NOT NULL AS "is_there!",
    certificate.certificate_number::text AS "certificate_number?", certificate.device_id AS "device_id?",
    certificate.customer_id AS "customer_id?", certificate.user_id AS "user_id?",
    certificate.calibration_technician_id AS "calibration_technician_id?",
    certificate.installation_technician_id AS "installation_technician_id?",
    certificate.speed_limit_kmh::bigint AS "speed_limit_kmh?", certificate.status::text AS "status?",
    certificate.issued_at AS "issued_at?", certificate.expires_at AS "expires_at?",
    certificate.calibrated_at AS "calibrated_at?", certificate.installed_at AS "installed_at?",
    certificate.remarks::text AS "remarks?",
    vehicle.id IS NOT NULL AS "has_vehicle!", vehicle.certificate_id AS "vehicle_of?", vehicle.brand::text AS "brand?",
    vehicle.model::text AS "model?", vehicle.chassis_number::text AS "chassis_number?",
    vehicle.registration_number::text AS "registration_number?", vehicle.is_new_registration AS "is_new_registration?",
    device.is_blocked AS "is_blocked?"
FROM certferry.certificate_status AS status
LEFT JOIN certificates AS certificate ON certificate.id = status.new_certificate_id AND status.state = 'migrated'
LEFT JOIN vehicles AS vehicle ON vehicle.id = status.new_vehicle_id AND status.state = 'migrated'
LEFT JOIN devices AS device ON device.id = certificate.device_id
WHERE status.certificate_id = ANY($1::bigint[])
