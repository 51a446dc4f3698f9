DELETE FROM certferry.lock_wait WHERE last_at < clock_timestamp() - interval '1 hour'
