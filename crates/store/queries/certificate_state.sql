-- The type that `::certificate_state` means in this session, its schema, and the type of the column that takes it where that
-- is another enum.
SELECT used.oid::bigint AS "oid!", used.typnamespace::regnamespace::text AS "schema!",
       (
           SELECT format_type(status.atttypid, NULL)
           FROM pg_attribute AS status
           JOIN pg_type AS stored ON stored.oid = status.atttypid
           WHERE status.attrelid = to_regclass('certificates') AND status.attname = 'status' AND NOT status.attisdropped
               AND stored.typtype = 'e' AND stored.oid <> used.oid
       ) AS stored_as
FROM pg_type AS used
WHERE used.oid = to_regtype('certificate_state')
