-- Those of the certificates that have no job which will ever run: none at all, or one that nobody claims any more.
SELECT certificate_id AS "certificate_id!"
FROM unnest($2::bigint[]) AS asked (certificate_id)
WHERE NOT EXISTS (
    SELECT FROM apalis.jobs
    WHERE job_type = $1 AND idempotency_key = certificate_id::text
      AND NOT (status IN ('Done', 'Killed') OR (status = 'Failed' AND attempts >= max_attempts))
)
ORDER BY certificate_id
