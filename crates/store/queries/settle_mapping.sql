UPDATE certferry.mapping
SET new_id = settled.new_id, origin = settled.origin
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) AS settled (entity, old_id, new_id, origin)
WHERE mapping.entity = settled.entity AND mapping.old_id = settled.old_id
