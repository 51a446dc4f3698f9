-- Both sides of the equations, in one moment.
SELECT
    status.rows AS "status_rows!", status.migrated AS "migrated!", status.unproven AS "unproven!",
    status.vehicles AS "vehicles!",
    (SELECT coalesce(sum(tally.certificates), 0)::bigint FROM certferry.tally) AS "tallied!",
    (SELECT count(*) FROM certificates) AS "destination!",
    (
        SELECT count(DISTINCT certificate.id)
        FROM certferry.certificate_status AS owner
        JOIN certificates AS certificate ON certificate.id = owner.new_certificate_id
        WHERE owner.state = 'migrated'
    ) AS "found!",
    -- One that two status rows claim counts twice here, so that it shows.
    (
        SELECT count(*)
        FROM certferry.certificate_status AS owner
        JOIN certificates AS certificate ON certificate.id = owner.new_certificate_id
        WHERE owner.state = 'migrated'
    ) AS "owned!",
    (
        SELECT count(*)
        FROM certificates AS certificate
        WHERE NOT EXISTS (
            SELECT FROM certferry.certificate_status AS owner
            WHERE owner.new_certificate_id = certificate.id AND owner.state = 'migrated'
        )
    ) AS "unowned!",
    (
        SELECT count(DISTINCT vehicle.id)
        FROM certferry.certificate_status AS owner
        JOIN vehicles AS vehicle ON vehicle.id = owner.new_vehicle_id AND vehicle.certificate_id = owner.new_certificate_id
        WHERE owner.state = 'migrated'
    ) AS "vehicles_found!",
    (SELECT count(*) FROM certferry.mapping WHERE origin = 'created') AS "created!",
    (
        SELECT count(*)
        FROM certferry.mapping
        WHERE origin = 'created' AND (
            entity = 'customer' AND EXISTS (SELECT FROM customers WHERE customers.id = mapping.new_id)
            OR entity = 'technician' AND EXISTS (SELECT FROM technicians WHERE technicians.id = mapping.new_id)
        )
    ) AS "created_found!"
FROM (
    SELECT
        count(*) AS rows, count(*) FILTER (WHERE state = 'migrated') AS migrated,
        count(*) FILTER (WHERE state = 'migrated' AND evidence IS NULL) AS unproven,
        count(new_vehicle_id) FILTER (WHERE state = 'migrated') AS vehicles
    FROM certferry.certificate_status
) AS status
