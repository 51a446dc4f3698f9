-- With those of workers that are gone.
DELETE FROM certferry.waiting WHERE worker = $1 OR seen_at < clock_timestamp() - interval '1 hour'
