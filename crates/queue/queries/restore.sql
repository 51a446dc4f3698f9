-- As push.sql; but a job that nobody claims any more is made a new one, for its idempotency key stands in the way.
INSERT INTO apalis.jobs AS job (
    id, job_type, job, status, attempts, max_attempts, run_at, priority, idempotency_key, metadata
)
SELECT id, $1, convert_to(job, 'UTF8'), 'Pending', 0, $5, now() + place * interval '1 microsecond', 0,
       certificate_id::text,
       (SELECT (json_populate_record(NULL::apalis.jobs, json_build_object('metadata', $6::text))).metadata)
FROM unnest($2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY AS pushed (id, job, certificate_id, place)
ON CONFLICT (job_type, idempotency_key) DO UPDATE
SET job = excluded.job, status = 'Pending', attempts = 0, max_attempts = excluded.max_attempts, run_at = excluded.run_at,
    priority = 0, metadata = excluded.metadata, lock_by = NULL, lock_at = NULL, done_at = NULL
WHERE job.status IN ('Done', 'Killed') OR (job.status = 'Failed' AND job.attempts >= job.max_attempts)
