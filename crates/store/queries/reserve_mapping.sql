-- Whoever inserts the row creates the entity; everyone else waits for that transaction and then finds the row. The id
-- is filled in before the commit, so nobody sees the placeholder. In the order of old ids, so that no two workers wait
-- for each other.
INSERT INTO certferry.mapping (entity, old_id, new_id, origin)
SELECT $1, old_id, 0, 'created'
FROM unnest($2::bigint[]) AS reserved (old_id)
ORDER BY old_id
ON CONFLICT DO NOTHING
RETURNING old_id
