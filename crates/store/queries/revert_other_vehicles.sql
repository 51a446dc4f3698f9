-- Migrated certificates, among these, that have a vehicle which was not migrated with them.
SELECT DISTINCT status.certificate_id
FROM certferry.certificate_status AS status
JOIN vehicles AS vehicle ON vehicle.certificate_id = status.new_certificate_id
WHERE status.certificate_id = ANY($1::bigint[]) AND status.state = 'migrated'
    AND vehicle.id IS DISTINCT FROM status.new_vehicle_id
