-- Everything a batch needs to know of the destination, in one round trip. One row for each thing that was found.
WITH needed_mapping AS (
    SELECT 'user' AS entity, unnest($2::bigint[]) AS old_id
    UNION ALL
    SELECT 'customer', unnest($3::bigint[])
    UNION ALL
    SELECT 'technician', unnest($4::bigint[])
)
SELECT 'device' AS "entity!", device.ecu_number AS key, NULL::bigint AS old_id, device.id AS "new_id!",
       TRUE AS "row_exists!"
FROM devices AS device
WHERE device.ecu_number = ANY($1::text[])
UNION ALL
SELECT mapping.entity, NULL, mapping.old_id, mapping.new_id,
       CASE mapping.entity
           WHEN 'user' THEN EXISTS (SELECT FROM users WHERE users.id = mapping.new_id)
           WHEN 'customer' THEN EXISTS (SELECT FROM customers WHERE customers.id = mapping.new_id)
           ELSE EXISTS (SELECT FROM technicians WHERE technicians.id = mapping.new_id)
       END
FROM needed_mapping
JOIN certferry.mapping USING (entity, old_id)
UNION ALL
SELECT 'certificate', certificate.certificate_number, NULL, certificate.id, TRUE
FROM certificates AS certificate
WHERE certificate.certificate_number = ANY($5::text[])
