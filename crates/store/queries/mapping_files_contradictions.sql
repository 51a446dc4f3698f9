-- Entries for which something else is recorded: the first of them, and how many there are. Looked up one by one through
-- the key: on a table so new that nothing is known of it, a join may compare every entry with every row.
SELECT entry.old_id AS "old_id!", entry.recorded, entry.new_id AS "new_id!", count(*) OVER () AS "total!"
FROM (
    SELECT old_id, new_id, (
        SELECT mapping.new_id FROM certferry.mapping WHERE mapping.entity = $1 AND mapping.old_id = unnested.old_id
    ) AS recorded
    FROM unnest($2::bigint[], $3::bigint[]) AS unnested (old_id, new_id)
    OFFSET 0
) AS entry
WHERE entry.recorded <> entry.new_id
ORDER BY entry.old_id
LIMIT $4
