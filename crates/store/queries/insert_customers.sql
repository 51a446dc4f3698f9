INSERT INTO customers (name, trade_license, email, phone)
SELECT name, trade_license, email, phone
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
    AS planned (name, trade_license, email, phone, place)
ORDER BY place
RETURNING id AS "id?", name::text AS "name?", trade_license::text AS "trade_license?", email::text AS "email?",
    phone::text AS "phone?"
