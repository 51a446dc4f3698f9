-- Rows of producers that died long ago go at the same time.
WITH forgotten AS (
    DELETE FROM certferry.producer_at_work WHERE seen_at < clock_timestamp() - interval '1 day'
)
INSERT INTO certferry.producer_at_work (name) VALUES ($1) RETURNING id
