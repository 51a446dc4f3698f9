DELETE FROM certferry.mapping WHERE entity = $1 AND new_id = ANY($2::bigint[])
