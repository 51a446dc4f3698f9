DELETE FROM certferry.producer_at_work WHERE id = $1
