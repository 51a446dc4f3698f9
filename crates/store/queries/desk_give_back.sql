-- Claims of desks that died long ago go at the same time.
DELETE FROM certferry.desk_claim WHERE desk = $1 OR seen_at < clock_timestamp() - interval '1 day'
