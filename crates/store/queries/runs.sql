-- The newest runs with what became of their certificates; only run $1 where it is given.
SELECT
    run.id AS "id!", run.kind AS "kind!", run.begun_by AS "begun_by!", run.host AS "host!", run.begun_at AS "begun_at!",
    run.filter AS "filter!", run.selected AS "selected!", run.ended_at,
    -- Whoever fills the queue says so every few seconds.
    run.ended_at IS NULL AND EXISTS (
        SELECT FROM certferry.producer_at_work WHERE seen_at > clock_timestamp() - interval '10 seconds'
    ) AS "is_selecting!",
    run.cancelled_at, run.cancelled_by,
    coalesce(counted.queued, 0)::bigint   AS "queued!",
    coalesce(counted.migrated, 0)::bigint AS "migrated!",
    coalesce(counted.failed, 0)::bigint   AS "failed!",
    coalesce(counted.skipped, 0)::bigint  AS "skipped!",
    coalesce(counted.reverted, 0)::bigint AS "reverted!"
FROM certferry.run
LEFT JOIN (
    SELECT
        run_id,
        sum(in_run) FILTER (WHERE state = 'queued')   AS queued,
        sum(in_run) FILTER (WHERE state = 'migrated') AS migrated,
        sum(in_run) FILTER (WHERE state = 'failed')   AS failed,
        sum(in_run) FILTER (WHERE state = 'skipped')  AS skipped,
        sum(in_run) FILTER (WHERE state = 'reverted') AS reverted
    FROM certferry.tally
    WHERE run_id IS NOT NULL
    GROUP BY run_id
) AS counted ON counted.run_id = run.id
WHERE $1::bigint IS NULL OR run.id = $1
ORDER BY run.id DESC
LIMIT $2
