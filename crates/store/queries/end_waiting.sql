-- The row stays, and says nothing. Those of workers that are gone go.
WITH ended AS (
    UPDATE certferry.waiting SET seen_at = '-infinity', because = '' WHERE worker = $1
)
DELETE FROM certferry.waiting
WHERE worker <> $1
    AND CASE
        WHEN seen_at > '-infinity' THEN seen_at < clock_timestamp() - interval '1 hour'
        ELSE since < clock_timestamp() - interval '7 days'
    END
