SELECT per_second, set_by, set_at FROM certferry.rate_limit
