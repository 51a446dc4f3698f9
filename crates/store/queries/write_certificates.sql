-- Certificates, their vehicles and the devices that blocked certificates block, in one round trip. The devices first, by id;
-- then the certificates in the order of their numbers, so that two workers that meet at the unique index cannot wait for each
-- other.
WITH unblocked AS (
    SELECT id FROM devices WHERE id = ANY($19::bigint[]) AND NOT is_blocked ORDER BY id FOR NO KEY UPDATE
),
blocked AS (
    UPDATE devices SET is_blocked = TRUE FROM unblocked WHERE devices.id = unblocked.id
    RETURNING devices.id
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
    RETURNING id, certificate_number
),
vehicle AS (
    INSERT INTO vehicles (certificate_id, brand, model, chassis_number, registration_number, is_new_registration)
    SELECT certificate.id, brand, model, chassis_number, registration_number, is_new_registration
    FROM certificate
    JOIN planned USING (certificate_number)
    -- A certificate without a brand has no vehicle.
    WHERE brand IS NOT NULL
    RETURNING id, certificate_id
)
SELECT certificate.id AS "id!", certificate.certificate_number AS "certificate_number!", vehicle.id AS "vehicle_id?"
FROM certificate
LEFT JOIN vehicle ON vehicle.certificate_id = certificate.id
