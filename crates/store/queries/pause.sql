-- Nothing when a pause is open already.
INSERT INTO certferry.pause (paused_by, reason)
VALUES ($1, $2)
ON CONFLICT ((resumed_at IS NULL)) WHERE resumed_at IS NULL DO NOTHING
RETURNING id
