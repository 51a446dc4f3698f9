-- Whether a device is found by its ECU number without reading the others; true of what is no table, which cannot be told.
SELECT coalesce(bool_or(is_found), TRUE) AS "is_indexed!"
FROM (
    SELECT EXISTS (
        SELECT FROM pg_index
        WHERE indrelid = relation.oid AND indisvalid AND indpred IS NULL AND indkey[0] = attribute.attnum
    ) AS is_found
    FROM pg_class AS relation
    JOIN pg_attribute AS attribute ON attribute.attrelid = relation.oid AND attribute.attname = 'ecu_number'
    WHERE relation.oid = to_regclass('devices') AND relation.relkind IN ('r', 'p')
) AS devices_table
