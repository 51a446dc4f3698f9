-- Which of the rows that certificates are to refer to somebody else holds: those that a foreign key could not lock at once. The
-- others are locked as the foreign keys would.
WITH free_user AS (SELECT id FROM users WHERE id = ANY($1::bigint[]) FOR KEY SHARE SKIP LOCKED),
free_customer AS (SELECT id FROM customers WHERE id = ANY($2::bigint[]) FOR KEY SHARE SKIP LOCKED),
free_technician AS (SELECT id FROM technicians WHERE id = ANY($3::bigint[]) FOR KEY SHARE SKIP LOCKED),
free_device AS (SELECT id FROM devices WHERE id = ANY($4::bigint[]) FOR KEY SHARE SKIP LOCKED)
SELECT 'users' AS "table!", id AS "id!"
FROM users
WHERE id = ANY($1) AND id NOT IN (SELECT id FROM free_user)
UNION ALL
SELECT 'customers', id
FROM customers
WHERE id = ANY($2) AND id NOT IN (SELECT id FROM free_customer)
UNION ALL
SELECT 'technicians', id
FROM technicians
WHERE id = ANY($3) AND id NOT IN (SELECT id FROM free_technician)
UNION ALL
SELECT 'devices', id
FROM devices
WHERE id = ANY($4) AND id NOT IN (SELECT id FROM free_device)
