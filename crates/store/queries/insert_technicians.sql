INSERT INTO technicians (user_id, name, phone)
SELECT user_id, name, phone
FROM unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY AS planned (user_id, name, phone, place)
ORDER BY place
RETURNING id AS "id?", user_id AS "user_id?", name::text AS "name?", phone::text AS "phone?"
