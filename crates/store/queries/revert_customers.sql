DELETE FROM customers WHERE id = ANY($1::bigint[])
