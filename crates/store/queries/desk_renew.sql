UPDATE certferry.desk_claim SET seen_at = clock_timestamp() WHERE desk = $1
