-- The index by which no two rows that are written to column $2 of table $1 can have the same value at any moment. Behind a
-- view it is looked for on the table that rows are written to, and not where a trigger or a rule decides about them.
WITH RECURSIVE stored (relation, attribute) AS (
    SELECT attrelid, attnum
    FROM pg_attribute
    WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped
    UNION ALL
    SELECT origin.relation, origin.attribute
    FROM stored
    JOIN pg_class AS seen ON seen.oid = stored.relation AND seen.relkind = 'v'
    JOIN pg_rewrite AS definition ON definition.ev_class = seen.oid AND definition.ev_type = '1'
    -- The definition says of each column which column of which table it is. A subquery in it may have columns that look
    -- the same: then nothing is believed.
    JOIN LATERAL (
        SELECT min(found[1])::oid AS relation, min(found[2])::smallint AS attribute, count(*) AS times
        FROM regexp_matches(
            definition.ev_action::text,
            ':resno ' || stored.attribute || ' :resname .*? :ressortgroupref \d+ :resorigtbl (\d+) :resorigcol (\d+) :resjunk',
            'g'
        ) AS found
    ) AS origin ON origin.times = 1
    WHERE pg_relation_is_updatable(seen.oid, FALSE) & 8 = 8
        AND NOT EXISTS (
            SELECT FROM pg_trigger
            WHERE tgrelid = seen.oid AND NOT tgisinternal AND tgtype & 64 = 64 AND tgtype & 4 = 4
        )
        AND NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = seen.oid AND ev_type = '3')
)
SELECT index.indexrelid::bigint AS "oid!", index.indexrelid::regclass::text AS "name!"
FROM stored
JOIN pg_class AS base ON base.oid = stored.relation AND base.relkind IN ('r', 'p')
JOIN pg_index AS index ON index.indrelid = base.oid
JOIN pg_class AS of_index ON of_index.oid = index.indexrelid
JOIN pg_am AS method ON method.oid = of_index.relam AND method.amname = 'btree'
WHERE index.indisunique AND index.indisvalid AND index.indisready AND index.indislive AND index.indimmediate
    AND index.indpred IS NULL AND index.indexprs IS NULL
    AND index.indnkeyatts = 1 AND index.indkey[0] = stored.attribute
    -- Since PostgreSQL 15.
    AND to_jsonb(index) ->> 'indnullsnotdistinct' IS DISTINCT FROM 'true'
    AND NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = base.oid AND ev_type = '3')
ORDER BY index.indexrelid
LIMIT 1
