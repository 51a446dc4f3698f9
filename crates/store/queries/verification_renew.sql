UPDATE certferry.verification_range
SET leased_until = clock_timestamp() + make_interval(secs => $5::float8)
WHERE run_id = $1 AND entity = $2 AND first = $3 AND leased_by = $4 AND done_at IS NULL
