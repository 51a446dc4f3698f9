SELECT filter, share, cut_to, is_cut, result FROM certferry.verification WHERE run_id = $1
