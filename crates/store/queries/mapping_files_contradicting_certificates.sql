-- Entries for which something else is recorded: the first of them, and how many there are. Looked up one by one through
-- the key, as in mapping_files_contradictions.sql.
SELECT entry.old_id AS "old_id!", entry.recorded, entry.new_id AS "new_id!", count(*) OVER () AS "total!"
FROM (
    SELECT old_id, new_id, (
        SELECT status.new_certificate_id
        FROM certferry.certificate_status AS status
        WHERE status.certificate_id = unnested.old_id
    ) AS recorded
    FROM unnest($1::bigint[], $2::bigint[]) AS unnested (old_id, new_id)
    OFFSET 0
) AS entry
WHERE entry.recorded <> entry.new_id
ORDER BY entry.old_id
LIMIT $3
