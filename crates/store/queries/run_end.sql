UPDATE certferry.run SET ended_at = clock_timestamp() WHERE id = $1
