-- A result never overwrites a final one: only rows that are still queued take it. What became of the batch is noted for the
-- circuit breaker.
WITH recorded AS (
    UPDATE certferry.certificate_status AS status
    SET state = finished.state,
        certificate_number = finished.certificate_number,
        ecu_number = finished.ecu_number,
        new_certificate_id = finished.new_certificate_id,
        new_vehicle_id = finished.new_vehicle_id,
        attempts = status.attempts + 1,
        error_kind = finished.error_kind,
        error_code = finished.error_code,
        error_message = finished.error_message,
        issues = coalesce(finished.issues, '[]'),
        warnings = coalesce(finished.warnings, '[]'),
        evidence = finished.evidence,
        worker = $13,
        started_at = finished.started_at,
        finished_at = clock_timestamp()
    FROM unnest(
        $1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
        $7::text[], $8::text[], $9::text[], $10::jsonb[], $11::jsonb[], $12::timestamptz[], $14::bytea[]
    ) AS finished (
        certificate_id, state, certificate_number, ecu_number, new_certificate_id, new_vehicle_id,
        error_kind, error_code, error_message, issues, warnings, started_at, evidence
    )
    WHERE status.certificate_id = finished.certificate_id AND status.state = 'queued'
    RETURNING status.certificate_id, status.error_code
),
by_code AS (
    SELECT error_code, count(*) AS certificates FROM recorded GROUP BY error_code
),
noted AS (
    INSERT INTO certferry.recent_batch (worker, certificates, failures)
    SELECT $13, sum(certificates),
           coalesce(jsonb_object_agg(error_code, certificates) FILTER (WHERE error_code IS NOT NULL), '{}')
    FROM by_code
    HAVING sum(certificates) > 0
)
SELECT certificate_id FROM recorded
