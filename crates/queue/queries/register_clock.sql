-- The server's clock, whatever the worker's own says.
UPDATE apalis.workers SET started_at = now(), last_seen = now() WHERE id = $1
