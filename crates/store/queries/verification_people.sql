-- Customers or technicians that the migration created, as the destination has them.
SELECT
    mapping.old_id AS "old_id!", mapping.new_id AS "new_id!", mapping.evidence, mapping.certificate_id,
    coalesce(customer.id, technician.id) IS NOT NULL AS "is_there!",
    coalesce(customer.name, technician.name)::text AS name, customer.trade_license::text AS "trade_license?",
    customer.email::text AS "email?", coalesce(customer.phone, technician.phone)::text AS phone,
    technician.user_id AS "user_id?"
FROM certferry.mapping
LEFT JOIN customers AS customer ON mapping.entity = 'customer' AND customer.id = mapping.new_id
LEFT JOIN technicians AS technician ON mapping.entity = 'technician' AND technician.id = mapping.new_id
WHERE mapping.entity = $1 AND mapping.old_id BETWEEN $2 AND $3 AND mapping.origin = 'created'
ORDER BY mapping.old_id
