-- What each session that is at work, or in a transaction and waiting for its client, is doing at this moment.
SELECT CASE
    WHEN state = 'idle in transaction' THEN 'in a transaction, waiting for the client'
    WHEN wait_event IS NULL THEN 'working on a processor, or waiting for one'
    ELSE wait_event_type || ': ' || wait_event
END
FROM pg_stat_activity
WHERE datname IN ($1, $2) AND backend_type = 'client backend' AND state IN ('active', 'idle in transaction')
