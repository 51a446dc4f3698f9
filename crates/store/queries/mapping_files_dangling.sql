-- How many of the new ids the destination does not have.
SELECT count(*) AS "dangling!"
FROM unnest($2::bigint[]) AS entry (new_id)
WHERE NOT CASE $1
    WHEN 'user' THEN EXISTS (SELECT FROM users WHERE users.id = entry.new_id)
    WHEN 'customer' THEN EXISTS (SELECT FROM customers WHERE customers.id = entry.new_id)
    WHEN 'technician' THEN EXISTS (SELECT FROM technicians WHERE technicians.id = entry.new_id)
    ELSE EXISTS (SELECT FROM certificates WHERE certificates.id = entry.new_id)
END
