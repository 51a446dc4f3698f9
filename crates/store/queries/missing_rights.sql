-- What a migration does that the role may not do; customers are created where $2 is true, technicians where $3 is. Rights on
-- some columns of a table count as rights on it: which ones they are, writing shows. A table that is not there has none.
WITH needed_right (relation, privilege, is_needed) AS (
    VALUES
        ('users', 'SELECT', TRUE),
        ('customers', 'SELECT', TRUE),
        ('customers', 'INSERT', $2::boolean),
        ('technicians', 'SELECT', TRUE),
        ('technicians', 'INSERT', $3::boolean),
        ('devices', 'SELECT', TRUE),
        ('devices', 'UPDATE', TRUE),
        ('certificates', 'SELECT', TRUE),
        ('certificates', 'INSERT', TRUE),
        ('vehicles', 'SELECT', TRUE),
        ('vehicles', 'INSERT', TRUE),
        ('certferry.certificate_status', 'SELECT', TRUE),
        ('certferry.certificate_status', 'INSERT', TRUE),
        ('certferry.certificate_status', 'UPDATE', TRUE),
        ('certferry.mapping', 'SELECT', TRUE),
        ('certferry.mapping', 'INSERT', TRUE),
        ('certferry.mapping', 'UPDATE', TRUE),
        ('certferry.mapping', 'DELETE', TRUE),
        ('apalis.jobs', 'SELECT', TRUE),
        ('apalis.jobs', 'INSERT', TRUE),
        ('apalis.jobs', 'UPDATE', TRUE),
        ('apalis.jobs', 'DELETE', TRUE)
),
-- What an identity column draws from needs no right of its own.
sequence_of_table (name) AS (
    SELECT DISTINCT pg_get_serial_sequence(relation, 'id')
    FROM needed_right
    JOIN pg_attribute ON attrelid = to_regclass(relation) AND attname = 'id' AND attidentity = ''
    WHERE privilege = 'INSERT' AND is_needed AND relation NOT LIKE '%.%'
)
SELECT 'schema' AS "object!", nspname::text AS "name!", 'USAGE' AS "privilege!"
FROM pg_namespace
WHERE nspname IN ($1, 'certferry', 'apalis') AND NOT has_schema_privilege(oid, 'USAGE')
UNION ALL
SELECT 'table', relation, privilege
FROM needed_right
WHERE is_needed
    AND CASE
        WHEN to_regclass(relation) IS NULL THEN FALSE
        WHEN privilege = 'DELETE' THEN NOT has_table_privilege(to_regclass(relation), privilege)
        ELSE NOT has_any_column_privilege(to_regclass(relation), privilege)
    END
UNION ALL
SELECT 'sequence', name, 'USAGE'
FROM sequence_of_table
WHERE name IS NOT NULL AND NOT has_sequence_privilege(name, 'USAGE') AND NOT has_sequence_privilege(name, 'UPDATE')
ORDER BY 1, 2, 3
