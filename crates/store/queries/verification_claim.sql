-- Leases a range that nobody has, or that somebody left without a word.
UPDATE certferry.verification_range AS claimed
SET leased_by = $2, leased_until = clock_timestamp() + make_interval(secs => $3::float8)
FROM (
    SELECT entity, first
    FROM certferry.verification_range
    WHERE run_id = $1 AND done_at IS NULL AND not_before <= clock_timestamp()
        AND (leased_until IS NULL OR leased_until < clock_timestamp())
    ORDER BY round, first
    LIMIT 1
    FOR UPDATE SKIP LOCKED
) AS free
WHERE claimed.run_id = $1 AND claimed.entity = free.entity AND claimed.first = free.first
RETURNING claimed.entity, claimed.first, claimed.last, claimed.round
