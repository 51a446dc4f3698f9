-- The legacy certificates, one row each. Certferry puts this query in brackets and adds its own conditions on "id" and
-- "ecu_number" around it, so it must return these columns under these names, and "id" must be unique and indexed.
-- For tables of another shape write a query of your own in `source.certificates`; config/examples has some.
SELECT
    id,
    certificate_number,
    ecu_number,
    customer_id,
    user_id,
    calibration_technician_id,
    installation_technician_id,
    vehicle_type,
    vehicle_chassis_number,
    vehicle_registration_number,
    new_registration,
    speed,
    status,
    issue_date,
    expiry_date,
    calibration_date,
    installation_date,
    remarks
FROM certificates
