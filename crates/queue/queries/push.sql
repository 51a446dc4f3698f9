-- One job a certificate; the idempotency key makes a second one impossible. A moment in the future by the clock of
-- this transaction is the past for everyone who can see the job, and spares a notification a row. Each job has a moment
-- of its own, so that a claim can begin where the last one ended. The metadata is an hstore, a type that no search path
-- need lead to.
INSERT INTO apalis.jobs (id, job_type, job, status, attempts, max_attempts, run_at, priority, idempotency_key, metadata)
SELECT id, $1, convert_to(job, 'UTF8'), 'Pending', 0, $5, now() + place * interval '1 microsecond', 0,
       certificate_id::text,
       (SELECT (json_populate_record(NULL::apalis.jobs, json_build_object('metadata', $6::text))).metadata)
FROM unnest($2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY AS pushed (id, job, certificate_id, place)
ON CONFLICT (job_type, idempotency_key) DO NOTHING
