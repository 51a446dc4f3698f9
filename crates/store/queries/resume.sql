UPDATE certferry.pause
SET resumed_at = clock_timestamp(), resumed_by = $1
WHERE resumed_at IS NULL
RETURNING paused_at, paused_by, reason
