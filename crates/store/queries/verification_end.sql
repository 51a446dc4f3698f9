UPDATE certferry.verification SET result = $2 WHERE run_id = $1
