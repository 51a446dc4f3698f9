DELETE FROM certferry.mapping WHERE entity = $1 AND old_id = ANY($2::bigint[])
