DELETE FROM certferry.verification_finding WHERE run_id = $1 AND entity = $2 AND first = $3 AND NOT is_settled
