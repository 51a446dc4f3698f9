INSERT INTO certferry.recent_batch (worker, infrastructure_error) VALUES ($1, $2)
