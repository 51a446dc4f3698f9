-- The workers seen within the $2 seconds of a lease, and those that have jobs all the same; with what each has in hand. From
-- the workers to their jobs: the index of jobs is by who has them.
SELECT
    worker.id AS "worker!",
    extract(epoch FROM now() - worker.last_seen)::float8 AS "seen_seconds_ago!",
    in_hand.certificates AS "certificates!",
    in_hand.claimed_seconds_ago
FROM apalis.workers AS worker
CROSS JOIN LATERAL (
    SELECT count(*) AS certificates, extract(epoch FROM now() - max(lock_at))::float8 AS claimed_seconds_ago
    FROM apalis.jobs
    WHERE lock_by = worker.id AND job_type = $1 AND status IN ('Running', 'Queued')
) AS in_hand
WHERE worker.worker_type = $1
  AND (worker.last_seen >= now() - $2::double precision * interval '1 second' OR in_hand.certificates > 0)
ORDER BY worker.id
