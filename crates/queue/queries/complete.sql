-- By the key: the index of lock_by still holds the entries of every job that this worker ever had. `IS TRUE` keeps the
-- planner from it.
DELETE FROM apalis.jobs WHERE id = ANY($1::text[]) AND (lock_by = $2) IS TRUE
