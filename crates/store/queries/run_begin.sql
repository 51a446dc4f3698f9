INSERT INTO certferry.run (kind, begun_by, host, filter) VALUES ($1, $2, $3, $4) RETURNING id
