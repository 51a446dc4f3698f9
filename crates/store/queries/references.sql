-- The columns whose foreign keys lead to the id of table $1, but for those of the contract. Behind a view, those that lead to
-- the tables it is made of.
SELECT format('%s', key.conrelid::regclass) AS "table_name!", format('%I', attribute.attname) AS "column_name!"
FROM pg_constraint AS key
JOIN pg_attribute AS attribute ON attribute.attrelid = key.conrelid AND attribute.attnum = key.conkey[1]
WHERE key.contype = 'f'
    AND cardinality(key.conkey) = 1
    -- A partition's keys are those of its table.
    AND key.conparentid = 0
    AND key.confrelid IN (
        SELECT to_regclass($1)::oid
        UNION
        SELECT used.refobjid
        FROM pg_rewrite AS definition
        JOIN pg_depend AS used ON used.classid = 'pg_rewrite'::regclass AND used.objid = definition.oid
            AND used.refclassid = 'pg_class'::regclass
        WHERE definition.ev_class = to_regclass($1) AND used.refobjid <> definition.ev_class
    )
    AND NOT ($1 = 'certificates' AND key.conrelid = to_regclass('vehicles') AND attribute.attname = 'certificate_id')
ORDER BY 1, 2
