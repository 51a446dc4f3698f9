-- All but the newest $1.
DELETE FROM certferry.recent_batch
WHERE id <= (SELECT id FROM certferry.recent_batch ORDER BY id DESC OFFSET $1 LIMIT 1)
