-- How many certificates are in each state and failed by each code, and when: sums of what the tally was told, so that no
-- row of the status table is read. Of run $1 alone, what became of its certificates, also where a later run has them now.
-- Imported certificates were never started; when they came in says nothing about how long the migration took.
SELECT
    state,
    error_kind,
    error_code,
    sum(CASE WHEN $1::bigint IS NULL THEN certificates ELSE in_run END)::bigint AS "certificates!",
    min(enqueued_at) AS first_enqueued_at,
    min(started_at) AS first_started_at,
    max(finished_at) AS last_finished_at,
    now() AS "as_of!"
FROM certferry.tally
WHERE $1::bigint IS NULL OR run_id = $1
GROUP BY state, error_kind, error_code
ORDER BY 4 DESC, error_code
