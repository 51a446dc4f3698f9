DELETE FROM apalis.jobs WHERE job_type = $1 AND idempotency_key = ANY($2::text[])
