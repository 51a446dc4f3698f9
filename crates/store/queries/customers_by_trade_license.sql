SELECT trade_license AS "trade_license!", min(id) AS "id!"
FROM customers
WHERE trade_license = ANY($1::text[])
GROUP BY trade_license
