-- A page of the customers and technicians that the migration created, or matched with ones that were there.
SELECT entity, old_id, new_id, origin
FROM certferry.mapping
WHERE origin <> 'imported' AND (entity, old_id) > ($1, $2)
ORDER BY entity, old_id
LIMIT $3
