SELECT query, calls, total_exec_time AS milliseconds, rows, wal_bytes::bigint AS wal_bytes
FROM pg_stat_statements
JOIN pg_database ON pg_database.oid = dbid
WHERE datname IN ($1, $2)
ORDER BY total_exec_time DESC
LIMIT $3
