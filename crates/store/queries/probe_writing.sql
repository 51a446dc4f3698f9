-- Writes no row into any table that a batch writes: the server says whether it would let us.
WITH certificate AS (
    INSERT INTO certificates (
        certificate_number, device_id, customer_id, user_id, calibration_technician_id, installation_technician_id,
        speed_limit_kmh, status, issued_at, expires_at, calibrated_at, installed_at, remarks
    )
    SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE FALSE
    RETURNING id
),
vehicle AS (
    INSERT INTO vehicles (certificate_id, brand, model, chassis_number, registration_number, is_new_registration)
    SELECT NULL, NULL, NULL, NULL, NULL, NULL WHERE FALSE
    RETURNING id
),
device AS (
    UPDATE devices SET is_blocked = TRUE WHERE FALSE RETURNING id
),
mapping AS (
    INSERT INTO certferry.mapping (entity, old_id, new_id, origin)
    SELECT NULL, NULL, NULL, NULL WHERE FALSE
    RETURNING new_id
),
status AS (
    UPDATE certferry.certificate_status SET state = state WHERE FALSE RETURNING certificate_id
)
SELECT users.id FROM users, customers, technicians WHERE FALSE
