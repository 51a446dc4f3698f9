BEGIN;
INSERT INTO certificates (
    certificate_number, device_id, customer_id, user_id, calibration_technician_id, installation_technician_id,
    speed_limit_kmh, status, issued_at, expires_at, calibrated_at, installed_at, remarks
)
SELECT
    certificate_number, device_id, customer_id, user_id, calibration_technician_id, installation_technician_id,
    speed_limit_kmh, status, issued_at, expires_at, calibrated_at, installed_at, remarks
FROM planned;
INSERT INTO vehicles (certificate_id, brand, model, chassis_number, registration_number, is_new_registration)
SELECT certificates.id, brand, model, chassis_number, registration_number, is_new_registration
FROM planned
JOIN certificates USING (certificate_number)
WHERE brand IS NOT NULL;
COMMIT;
