DELETE FROM apalis.jobs WHERE id = ANY($1::text[]) AND lock_by = $2
