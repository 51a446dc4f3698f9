DELETE FROM certferry.mapping
USING unnest($1::text[], $2::bigint[]) AS unused (entity, old_id)
WHERE mapping.entity = unused.entity AND mapping.old_id = unused.old_id
