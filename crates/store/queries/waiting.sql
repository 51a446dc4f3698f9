-- What the workers that do not get on said last. A worker repeats it at least every ten seconds.
SELECT because
FROM certferry.waiting
WHERE seen_at > clock_timestamp() - interval '30 seconds'
ORDER BY seen_at DESC
LIMIT 1
