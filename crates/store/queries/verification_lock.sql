SELECT cut_to, is_cut, result IS NOT NULL AS "has_ended!" FROM certferry.verification WHERE run_id = $1 FOR UPDATE
