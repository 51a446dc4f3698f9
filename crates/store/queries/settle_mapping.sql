UPDATE certferry.mapping
SET new_id = settled.new_id, origin = settled.origin
FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS settled (old_id, new_id, origin)
WHERE mapping.entity = $1 AND mapping.old_id = settled.old_id
