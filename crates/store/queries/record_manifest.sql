INSERT INTO certferry.manifest (recorded_by, destination, source, rules) VALUES ($1, $2, $3, $4)
