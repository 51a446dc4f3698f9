-- Who holds a lock that a session of this name waits for: the first of those in its way who waits for nobody.
WITH RECURSIVE waiter AS (
    SELECT pid
    FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = $1 AND wait_event_type = 'Lock'
),
chain AS (
    SELECT waiter.pid AS blocked, blocking.pid AS blocker
    FROM waiter, unnest(pg_blocking_pids(waiter.pid)) AS blocking (pid)
    UNION
    SELECT chain.blocker, blocking.pid
    FROM chain, unnest(pg_blocking_pids(chain.blocker)) AS blocking (pid)
)
SELECT nullif(chain.blocker, 0) AS pid, nullif(holder.application_name, '') AS application,
       holder.usename::text AS user_name, holder.xact_start AS since,
       (
           SELECT wanted.relation::regclass::text
           FROM pg_locks AS wanted
           WHERE wanted.pid = chain.blocked
               AND wanted.relation IS NOT NULL
               AND (NOT wanted.granted OR wanted.locktype = 'tuple')
           ORDER BY wanted.granted
           LIMIT 1
       ) AS locked
FROM chain
LEFT JOIN pg_stat_activity AS holder ON holder.pid = chain.blocker
WHERE cardinality(pg_blocking_pids(chain.blocker)) = 0
ORDER BY holder.xact_start
LIMIT 1
