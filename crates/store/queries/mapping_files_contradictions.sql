-- Entries for which something else is recorded: the first of them, and how many there are.
SELECT entry.old_id AS "old_id!", mapping.new_id AS recorded, entry.new_id AS "new_id!", count(*) OVER () AS "total!"
FROM unnest($2::bigint[], $3::bigint[]) AS entry (old_id, new_id)
JOIN certferry.mapping ON mapping.entity = $1 AND mapping.old_id = entry.old_id
WHERE mapping.new_id <> entry.new_id
ORDER BY entry.old_id
LIMIT $4
