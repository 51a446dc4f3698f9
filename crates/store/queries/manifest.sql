SELECT recorded_at, recorded_by, destination, source, rules FROM certferry.manifest ORDER BY id DESC LIMIT 1
