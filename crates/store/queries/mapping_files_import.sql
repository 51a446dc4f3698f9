-- In the order of old ids, like the workers that record new mappings, so that nobody waits for each other.
INSERT INTO certferry.mapping (entity, old_id, new_id, origin)
SELECT $1, old_id, new_id, 'imported'
FROM unnest($2::bigint[], $3::bigint[]) AS entry (old_id, new_id)
ORDER BY old_id
ON CONFLICT DO NOTHING
