DELETE FROM certferry.rate_limit
