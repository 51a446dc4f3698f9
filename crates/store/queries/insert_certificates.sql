-- In the order of certificate numbers, so that two workers that meet at the unique index cannot wait for each other.
INSERT INTO certificates (
    certificate_number, device_id, customer_id, user_id, calibration_technician_id, installation_technician_id,
    speed_limit_kmh, status, issued_at, expires_at, calibrated_at, installed_at, remarks
)
SELECT
    certificate_number, device_id, customer_id, user_id, calibration_technician_id, installation_technician_id,
    speed_limit_kmh, status::certificate_state, issued_at, expires_at, calibrated_at, installed_at, remarks
FROM unnest(
    $1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::smallint[], $8::text[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::text[]
) AS planned (
    certificate_number, device_id, customer_id, user_id, calibration_technician_id, installation_technician_id,
    speed_limit_kmh, status, issued_at, expires_at, calibrated_at, installed_at, remarks
)
ORDER BY certificate_number
RETURNING id AS "id!", certificate_number AS "certificate_number!"
