DELETE FROM technicians WHERE id = ANY($1::bigint[])
