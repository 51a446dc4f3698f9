-- Devices that were not blocked before, and are now: this migration did it.
INSERT INTO certferry.blocked_device (device_id)
SELECT id FROM devices WHERE id = ANY($1::bigint[]) AND is_blocked
ON CONFLICT DO NOTHING
