-- The whole database by natural keys, a line for each row: no ids that a sequence gave, no times of the run, no worker.
-- Which of two customers with one licence was created depends on whose certificate came first; that one was does not.
WITH customer AS (SELECT id, concat_ws(' ', name, trade_license) AS key FROM customers),
number AS (SELECT id, certificate_number AS key FROM certificates),
mapped AS (
    SELECT mapping.*,
           count(*) FILTER (WHERE origin <> 'imported') OVER same AS sharing,
           count(*) FILTER (WHERE origin = 'created') OVER same AS created
    FROM certferry.mapping
    WINDOW same AS (PARTITION BY entity, new_id)
),
everything (kind, content) AS (
    SELECT 'certificate', jsonb_build_object(
        'number', certificate_number,
        'device', (SELECT ecu_number FROM devices WHERE devices.id = device_id),
        'customer', (SELECT key FROM customer WHERE customer.id = customer_id),
        'user', (SELECT name FROM users WHERE users.id = user_id),
        'calibration', (SELECT name FROM technicians WHERE technicians.id = calibration_technician_id),
        'installation', (SELECT name FROM technicians WHERE technicians.id = installation_technician_id),
        'rest', jsonb_build_array(speed_limit_kmh, status, issued_at, expires_at, calibrated_at, installed_at, remarks))
    FROM certificates
    UNION ALL
    SELECT 'vehicle', jsonb_build_object(
        'number', (SELECT key FROM number WHERE number.id = certificate_id),
        'rest', to_jsonb(vehicles) - 'id' - 'certificate_id')
    FROM vehicles
    UNION ALL
    SELECT 'customer', (to_jsonb(customers) - 'id') FROM customers
    UNION ALL
    SELECT 'technician', jsonb_build_object(
        'user', (SELECT name FROM users WHERE users.id = user_id),
        'rest', to_jsonb(technicians) - 'id' - 'user_id')
    FROM technicians
    UNION ALL
    SELECT 'device', to_jsonb(devices) FROM devices
    UNION ALL
    SELECT 'user', to_jsonb(users) FROM users
    UNION ALL
    SELECT 'mapping', jsonb_build_object(
        'old', entity || ' ' || old_id,
        'new', CASE entity
            WHEN 'user' THEN (SELECT name FROM users WHERE users.id = new_id)
            WHEN 'customer' THEN (SELECT key FROM customer WHERE customer.id = new_id)
            ELSE (SELECT name FROM technicians WHERE technicians.id = new_id)
        END,
        'origin', CASE WHEN sharing > 1 AND origin <> 'imported' THEN created || ' of ' || sharing || ' created' ELSE origin END)
    FROM mapped
    UNION ALL
    SELECT 'status', jsonb_build_object(
        'id', certificate_id,
        'new', jsonb_build_array(
            (SELECT key FROM number WHERE number.id = new_certificate_id),
            (SELECT jsonb_build_array(key, registration_number)
             FROM vehicles JOIN number ON number.id = vehicles.certificate_id
             WHERE vehicles.id = new_vehicle_id)),
        'times', jsonb_build_array(started_at IS NOT NULL, finished_at IS NOT NULL, worker IS NOT NULL, evidence IS NOT NULL),
        'rest', to_jsonb(status) - ARRAY['certificate_id', 'new_certificate_id', 'new_vehicle_id', 'enqueued_at',
            'started_at', 'finished_at', 'worker', 'evidence'])
    FROM certferry.certificate_status AS status
    UNION ALL
    SELECT 'job', to_jsonb(idempotency_key) FROM apalis.jobs
    UNION ALL
    SELECT 'late result', to_jsonb(certificate_id) FROM certferry.late_result
)
SELECT kind || ' ' || content::text FROM everything
