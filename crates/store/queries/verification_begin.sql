-- A verification, and ranges of the customers and technicians that the migration created where $4 says so.
WITH begun AS (
    INSERT INTO certferry.verification (run_id, filter, share) VALUES ($1, $2, $3) RETURNING run_id
),
numbered AS (
    SELECT entity, old_id, (row_number() OVER (PARTITION BY entity ORDER BY old_id) - 1) / $5::bigint AS part
    FROM certferry.mapping
    WHERE origin = 'created' AND $4::boolean
)
INSERT INTO certferry.verification_range (run_id, entity, first, last)
SELECT begun.run_id, numbered.entity, min(numbered.old_id), max(numbered.old_id)
FROM begun CROSS JOIN numbered
GROUP BY begun.run_id, numbered.entity, numbered.part
