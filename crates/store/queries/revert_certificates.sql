DELETE FROM certificates WHERE id = ANY($1::bigint[])
