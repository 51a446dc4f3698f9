-- Where the destination takes licences for the same that differ in their letters' case, say, there are more than were asked for.
SELECT trade_license::text AS "trade_license!", id AS "id!"
FROM customers
WHERE trade_license = ANY($1::text[])
