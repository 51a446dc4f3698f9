-- How many ranges are not done.
SELECT count(*) AS "ranges!" FROM certferry.verification_range WHERE run_id = $1 AND done_at IS NULL
