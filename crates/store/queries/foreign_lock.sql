-- Who holds a lock that a session of ours waits for: somebody who waits for nobody and is none of us. Batches whose statement
-- waits for a foreign session itself are cancelled, for they hold up others of ours; they go on carefully, certificate by
-- certificate, under another application_name. Sessions of ours that wait for each other are left in peace.
WITH RECURSIVE waiter AS (
    SELECT pid, application_name
    FROM pg_stat_activity
    WHERE datname = current_database()
        AND application_name LIKE 'certferry%'
        AND wait_event_type = 'Lock'
        AND query_start < clock_timestamp() - interval '300 milliseconds'
),
chain AS (
    SELECT waiter.pid AS waiter, waiter.pid AS blocked, blocking.pid AS blocker
    FROM waiter, unnest(pg_blocking_pids(waiter.pid)) AS blocking (pid)
    UNION
    SELECT chain.waiter, chain.blocker, blocking.pid
    FROM chain, unnest(pg_blocking_pids(chain.blocker)) AS blocking (pid)
),
holding AS (
    SELECT DISTINCT ON (chain.waiter)
        chain.waiter, chain.blocked, nullif(chain.blocker, 0) AS pid, nullif(holder.application_name, '') AS application,
        holder.usename::text AS user_name, holder.xact_start AS since
    FROM chain
    LEFT JOIN pg_stat_activity AS holder ON holder.pid = chain.blocker
    WHERE coalesce(holder.application_name, '') NOT LIKE 'certferry%'
        AND cardinality(pg_blocking_pids(chain.blocker)) = 0
    ORDER BY chain.waiter, holder.xact_start
),
cancelled AS (
    SELECT pg_cancel_backend(waiter.pid) AS is_cancelled
    FROM waiter
    WHERE waiter.application_name = 'certferry-batch'
        AND waiter.pid IN (SELECT waiter FROM holding)
        AND EXISTS (
            SELECT
            FROM chain
            LEFT JOIN pg_stat_activity AS blocker ON blocker.pid = chain.blocker
            WHERE chain.waiter = waiter.pid
                AND chain.blocked = waiter.pid
                AND coalesce(blocker.application_name, '') NOT LIKE 'certferry%'
        )
)
SELECT holding.pid, holding.application, holding.user_name, holding.since,
       (
           SELECT wanted.relation::regclass::text
           FROM pg_locks AS wanted
           WHERE wanted.pid = holding.blocked
               AND wanted.relation IS NOT NULL
               AND (NOT wanted.granted OR wanted.locktype = 'tuple')
           ORDER BY wanted.granted
           LIMIT 1
       ) AS locked,
       (SELECT count(*) FILTER (WHERE is_cancelled) FROM cancelled) AS "cancelled!"
FROM holding
ORDER BY holding.since
LIMIT 1
