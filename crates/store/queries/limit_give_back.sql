UPDATE certferry.rate_limit SET tokens = least(greatest(1, per_second / 2), tokens + $1::integer)
