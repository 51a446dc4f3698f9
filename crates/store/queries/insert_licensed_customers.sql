-- A worker that meets another one's customer of the same trade licence here, not yet committed, waits for it and then
-- leaves its own out.
INSERT INTO customers (name, trade_license, email, phone)
SELECT name, trade_license, email, phone
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
    AS planned (name, trade_license, email, phone, place)
ORDER BY place
ON CONFLICT DO NOTHING
RETURNING id AS "id?", name::text AS "name?", trade_license::text AS "trade_license?", email::text AS "email?",
    phone::text AS "phone?"
