SELECT entity AS "entity!", old_id AS "old_id!", mapping.new_id
FROM unnest($1::text[], $2::bigint[]) AS needed (entity, old_id)
JOIN certferry.mapping USING (entity, old_id)
