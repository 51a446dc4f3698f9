UPDATE certferry.run
SET cancelled_at = coalesce(cancelled_at, clock_timestamp()), cancelled_by = coalesce(cancelled_by, $2)
WHERE id = $1
RETURNING id
