DELETE FROM vehicles WHERE id = ANY($1::bigint[])
