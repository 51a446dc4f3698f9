-- Entries for which something else is recorded: the first of them, and how many there are.
SELECT entry.old_id AS "old_id!", status.new_certificate_id AS recorded, entry.new_id AS "new_id!",
       count(*) OVER () AS "total!"
FROM unnest($1::bigint[], $2::bigint[]) AS entry (old_id, new_id)
JOIN certferry.certificate_status AS status ON status.certificate_id = entry.old_id
WHERE status.new_certificate_id <> entry.new_id
ORDER BY entry.old_id
LIMIT $3
