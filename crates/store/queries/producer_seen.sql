UPDATE certferry.producer_at_work SET seen_at = clock_timestamp() WHERE id = $1
