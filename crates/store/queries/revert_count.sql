-- What a run took back counts in it, beside the run that had queued it.
INSERT INTO certferry.tally (run_id, state, certificates, in_run) VALUES ($1, 'reverted', 0, $2)
