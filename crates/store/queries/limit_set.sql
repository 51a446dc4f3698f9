-- What was saved up at another rate is gone, so that the new rate holds at once.
INSERT INTO certferry.rate_limit (per_second, set_by)
VALUES ($1, $2)
ON CONFLICT (only_one) DO UPDATE
SET per_second = excluded.per_second, set_by = excluded.set_by, set_at = excluded.set_at, filled_at = excluded.filled_at,
    tokens = 0
