-- Customers and technicians that this migration created, among these, as the destination has them; who of them is still
-- named by a certificate is left out.
SELECT
    mapping.entity AS "entity!", mapping.old_id AS "old_id!", mapping.new_id AS "new_id!", mapping.evidence,
    coalesce(customer.name, technician.name)::text AS name, customer.trade_license::text AS "trade_license?",
    customer.email::text AS "email?", coalesce(customer.phone, technician.phone)::text AS phone,
    technician.user_id AS "user_id?"
FROM certferry.mapping
LEFT JOIN customers AS customer ON mapping.entity = 'customer' AND customer.id = mapping.new_id
LEFT JOIN technicians AS technician ON mapping.entity = 'technician' AND technician.id = mapping.new_id
WHERE mapping.origin = 'created'
    AND (
        mapping.entity = 'customer' AND mapping.new_id = ANY($1::bigint[])
        AND NOT EXISTS (SELECT FROM certificates WHERE certificates.customer_id = mapping.new_id)
        OR mapping.entity = 'technician' AND mapping.new_id = ANY($2::bigint[])
        AND NOT EXISTS (
            SELECT FROM certificates
            WHERE certificates.calibration_technician_id = mapping.new_id
                OR certificates.installation_technician_id = mapping.new_id
        )
    )
ORDER BY mapping.entity, mapping.old_id
FOR UPDATE OF mapping
