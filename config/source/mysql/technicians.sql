-- The legacy technicians, one row each; read for technicians that have no mapping. See certificates.sql.
SELECT
    id,
    name,
    phone,
    user_id
FROM technicians
