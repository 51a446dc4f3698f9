WITH unblocked AS (
    SELECT id FROM devices WHERE id = ANY($1::bigint[]) AND NOT is_blocked ORDER BY id FOR NO KEY UPDATE
),
blocked AS (
    UPDATE devices SET is_blocked = TRUE FROM unblocked WHERE devices.id = unblocked.id
    RETURNING devices.id
)
INSERT INTO certferry.blocked_device (device_id) SELECT id FROM blocked ON CONFLICT DO NOTHING
