-- The next range, leased to whoever cut it; up to $3, or to the end.
WITH cut AS (
    UPDATE certferry.verification SET cut_to = coalesce($3, 9223372036854775807), is_cut = $3 IS NULL WHERE run_id = $1
)
INSERT INTO certferry.verification_range (run_id, entity, first, last, leased_by, leased_until)
VALUES (
    $1, 'certificate', $2, coalesce($3::bigint, 9223372036854775807), $4, clock_timestamp() + make_interval(secs => $5::float8)
)
