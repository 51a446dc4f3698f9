SELECT recorded_at, recorded_by, forecast FROM certferry.forecast ORDER BY id DESC LIMIT 1
