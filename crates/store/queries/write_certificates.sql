-- Certificates, their vehicles and the devices that blocked certificates block, in one round trip. The devices first, by id;
-- then the certificates in the order of their numbers, so that two workers that meet at the unique index cannot wait for each
-- other. What was stored is compared with what was given: triggers, rules and views may make something else of it.
WITH unblocked AS (
    SELECT id FROM devices WHERE id = ANY($19::bigint[]) AND NOT is_blocked ORDER BY id FOR NO KEY UPDATE
),
blocked AS (
    UPDATE devices SET is_blocked = TRUE FROM unblocked WHERE devices.id = unblocked.id
    RETURNING devices.id
),
noted AS (
    INSERT INTO certferry.blocked_device (device_id) SELECT id FROM blocked ON CONFLICT DO NOTHING
),
planned AS (
    SELECT *
    FROM unnest(
        $1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::smallint[], $8::text[],
        $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::text[],
        $14::text[], $15::text[], $16::text[], $17::text[], $18::boolean[]
    ) AS planned (
        certificate_number, device_id, customer_id, user_id, calibration_technician_id, installation_technician_id,
        speed_limit_kmh, status, issued_at, expires_at, calibrated_at, installed_at, remarks,
        brand, model, chassis_number, registration_number, is_new_registration
    )
),
certificate AS (
    INSERT INTO certificates (
        certificate_number, device_id, customer_id, user_id, calibration_technician_id, installation_technician_id,
        speed_limit_kmh, status, issued_at, expires_at, calibrated_at, installed_at, remarks
    )
    SELECT
        certificate_number, device_id, customer_id, user_id, calibration_technician_id, installation_technician_id,
        speed_limit_kmh, status::certificate_state, issued_at, expires_at, calibrated_at, installed_at, remarks
    FROM planned
    -- Always so, but known only when the devices are blocked.
    WHERE (SELECT count(*) FROM blocked) >= 0
    ORDER BY certificate_number
    RETURNING
        id, certificate_number, device_id, customer_id, user_id, calibration_technician_id, installation_technician_id,
        speed_limit_kmh, status, issued_at, expires_at, calibrated_at, installed_at, remarks
),
stored AS (
    SELECT
        certificate.id, planned.certificate_number, brand, model, chassis_number, registration_number, is_new_registration,
        (
            certificate.device_id, certificate.customer_id, certificate.user_id, certificate.calibration_technician_id,
            certificate.installation_technician_id, certificate.speed_limit_kmh, certificate.status::text COLLATE "C",
            certificate.issued_at, certificate.expires_at, certificate.calibrated_at, certificate.installed_at,
            certificate.remarks::text COLLATE "C"
        ) IS NOT DISTINCT FROM (
            planned.device_id, planned.customer_id, planned.user_id, planned.calibration_technician_id,
            planned.installation_technician_id, planned.speed_limit_kmh, planned.status,
            planned.issued_at, planned.expires_at, planned.calibrated_at, planned.installed_at,
            planned.remarks
        ) AS is_as_planned
    FROM certificate
    JOIN planned ON planned.certificate_number = certificate.certificate_number::text COLLATE "C"
),
vehicle AS (
    INSERT INTO vehicles (certificate_id, brand, model, chassis_number, registration_number, is_new_registration)
    SELECT id, brand, model, chassis_number, registration_number, is_new_registration
    FROM stored
    -- A certificate without a brand has no vehicle.
    WHERE brand IS NOT NULL
    RETURNING id, certificate_id, brand, model, chassis_number, registration_number, is_new_registration
)
SELECT
    stored.id AS "id?", stored.certificate_number AS "certificate_number!", vehicle.id AS "vehicle_id?",
    stored.is_as_planned AND (
        stored.brand IS NULL
        OR vehicle.id IS NOT NULL
        AND (
            vehicle.brand::text COLLATE "C", vehicle.model::text COLLATE "C", vehicle.chassis_number::text COLLATE "C",
            vehicle.registration_number::text COLLATE "C", vehicle.is_new_registration
        ) IS NOT DISTINCT FROM (
            stored.brand, stored.model, stored.chassis_number, stored.registration_number, stored.is_new_registration
        )
    ) AS "is_as_planned!"
FROM stored
LEFT JOIN vehicle ON vehicle.certificate_id = stored.id
