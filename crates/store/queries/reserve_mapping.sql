-- Whoever inserts the row creates the entity; everyone else waits for that transaction and then finds the row. The id
-- is filled in before the commit, so nobody sees the placeholder. Customers and then technicians, in the order of old ids,
-- so that no two workers wait for each other.
INSERT INTO certferry.mapping (entity, old_id, new_id, origin)
SELECT entity, old_id, 0, 'created'
FROM unnest($1::text[], $2::bigint[]) AS reserved (entity, old_id)
ORDER BY entity, old_id
ON CONFLICT DO NOTHING
RETURNING entity, old_id
