-- The lowest migrated certificate that has each of these customers or technicians.
SELECT person.new_id AS "new_id!", min(status.certificate_id) AS certificate_id
FROM unnest($1::bigint[]) AS person (new_id)
JOIN certificates AS certificate
    ON $2 = 'customer' AND certificate.customer_id = person.new_id
    OR $2 = 'technician'
    AND (certificate.calibration_technician_id = person.new_id OR certificate.installation_technician_id = person.new_id)
JOIN certferry.certificate_status AS status
    ON status.new_certificate_id = certificate.id AND status.state = 'migrated'
GROUP BY person.new_id
