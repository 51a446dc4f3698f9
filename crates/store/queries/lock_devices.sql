SELECT id FROM devices WHERE id = ANY($1::bigint[]) AND NOT is_blocked ORDER BY id FOR NO KEY UPDATE
