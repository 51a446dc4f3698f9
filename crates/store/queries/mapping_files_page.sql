SELECT old_id, new_id
FROM certferry.mapping
WHERE entity = $1 AND ($2::bigint IS NULL OR old_id > $2)
ORDER BY old_id
LIMIT $3
