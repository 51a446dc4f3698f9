-- The legacy customers, one row each; read for customers that have no mapping. See certificates.sql.
SELECT
    id,
    name,
    trade_license,
    email,
    phone
FROM customers
