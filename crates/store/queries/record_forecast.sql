INSERT INTO certferry.forecast (recorded_by, forecast) VALUES ($1, $2)
