-- A range was looked through by whoever has its lease: it is done, or to be looked at again in $6 seconds.
UPDATE certferry.verification_range
SET round = round + 1,
    verified = verified + $7,
    unaddressable = unaddressable + $8,
    leased_by = NULL,
    leased_until = NULL,
    not_before = clock_timestamp() + make_interval(secs => coalesce($6::float8, 0)),
    done_at = CASE WHEN $6::float8 IS NULL THEN clock_timestamp() END
WHERE run_id = $1 AND entity = $2 AND first = $3 AND leased_by = $4 AND round = $5 AND done_at IS NULL
