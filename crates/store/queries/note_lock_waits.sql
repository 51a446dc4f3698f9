-- Notes that certificates wait for a lock, and returns for how long they have. One that has not waited for some minutes begins
-- anew.
INSERT INTO certferry.lock_wait AS known (certificate_id)
SELECT unnest($1::bigint[])
ON CONFLICT (certificate_id) DO UPDATE
SET since = CASE
        WHEN known.last_at < clock_timestamp() - interval '5 minutes' THEN clock_timestamp()
        ELSE known.since
    END,
    last_at = clock_timestamp()
RETURNING certificate_id, extract(epoch FROM last_at - since)::float8 AS "waited_seconds!"
