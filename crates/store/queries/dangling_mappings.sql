-- The first mappings of an entity whose new ids the destination does not have, and how many there are.
SELECT old_id, new_id, count(*) OVER () AS "total!"
FROM certferry.mapping
WHERE entity = $1
    AND NOT CASE $1
        WHEN 'user' THEN EXISTS (SELECT FROM users WHERE users.id = mapping.new_id)
        WHEN 'customer' THEN EXISTS (SELECT FROM customers WHERE customers.id = mapping.new_id)
        ELSE EXISTS (SELECT FROM technicians WHERE technicians.id = mapping.new_id)
    END
ORDER BY old_id
LIMIT $2
