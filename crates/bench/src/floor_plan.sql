CREATE TABLE planned AS
SELECT certificate.*, vehicle.brand, vehicle.model, vehicle.chassis_number, vehicle.registration_number,
       vehicle.is_new_registration
FROM certferry.certificate_status AS status
JOIN certificates AS certificate ON certificate.id = status.new_certificate_id
LEFT JOIN vehicles AS vehicle ON vehicle.id = status.new_vehicle_id
ORDER BY status.certificate_id;
TRUNCATE vehicles, certificates;
