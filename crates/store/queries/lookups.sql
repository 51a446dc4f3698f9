-- Everything a batch needs to know of the destination, in one round trip. One row for each thing that was found.
WITH needed_mapping AS (
    SELECT 'user' AS entity, unnest($2::bigint[]) AS old_id
    UNION ALL
    SELECT 'customer', unnest($3::bigint[])
    UNION ALL
    SELECT 'technician', unnest($4::bigint[])
)
-- What several rows have comes once, with how many they are; byte by byte, whatever the column's collation.
SELECT 'device' AS "entity!", device.ecu_number::text COLLATE "C" AS key, NULL::bigint AS old_id,
       min(device.id) AS "new_id!", TRUE AS "row_exists!", count(*) AS "rows!"
FROM devices AS device
WHERE device.ecu_number = ANY($1::text[])
GROUP BY 2
UNION ALL
SELECT 'trade_license', customer.trade_license::text COLLATE "C", NULL, min(customer.id), TRUE, count(*)
FROM customers AS customer
WHERE customer.trade_license = ANY($6::text[])
GROUP BY 2
UNION ALL
SELECT mapping.entity, NULL, mapping.old_id, mapping.new_id,
       CASE mapping.entity
           WHEN 'user' THEN EXISTS (SELECT FROM users WHERE users.id = mapping.new_id)
           WHEN 'customer' THEN EXISTS (SELECT FROM customers WHERE customers.id = mapping.new_id)
           ELSE EXISTS (SELECT FROM technicians WHERE technicians.id = mapping.new_id)
       END,
       1
FROM needed_mapping
JOIN certferry.mapping USING (entity, old_id)
UNION ALL
SELECT 'certificate', certificate.certificate_number, NULL, certificate.id, TRUE, 1
FROM certificates AS certificate
WHERE certificate.certificate_number = ANY($5::text[])
UNION ALL
-- The tables are locked from here to the end of the transaction, so that what the catalog says now stays true: the indexes
-- that were relied on and are gone, and the names that mean a table outside of the destination's schema.
SELECT 'lost index', NULL, NULL, relied.index_id, FALSE, 1
FROM unnest($8::bigint[]) AS relied (index_id)
WHERE NOT EXISTS (
    SELECT FROM pg_index WHERE pg_index.indexrelid = relied.index_id::oid AND pg_index.indisunique AND pg_index.indisvalid
)
UNION ALL
SELECT 'elsewhere', contract.name, NULL, 0, FALSE, 1
FROM unnest(ARRAY['users', 'customers', 'technicians', 'devices', 'certificates', 'vehicles']) AS contract (name)
WHERE (SELECT used.relnamespace FROM pg_class AS used WHERE used.oid = to_regclass(contract.name))
    IS DISTINCT FROM to_regnamespace(quote_ident($7))::oid
