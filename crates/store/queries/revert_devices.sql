-- Devices that this migration blocked, and that no blocked certificate needs any more.
WITH free AS (
    SELECT blocked.device_id
    FROM certferry.blocked_device AS blocked
    WHERE blocked.device_id = ANY($1::bigint[])
        AND NOT EXISTS (
            SELECT FROM certificates WHERE certificates.device_id = blocked.device_id AND certificates.status = 'blocked'
        )
),
unblocked AS (
    UPDATE devices SET is_blocked = FALSE FROM free WHERE devices.id = free.device_id AND devices.is_blocked
)
DELETE FROM certferry.blocked_device USING free WHERE blocked_device.device_id = free.device_id
