-- What the destination has of a certificate, all columns of it; only what the contract's tables have.
SELECT jsonb_build_object(
    'certificate', to_jsonb(certificate),
    'vehicle', (SELECT to_jsonb(vehicle) FROM vehicles AS vehicle WHERE vehicle.id = $2),
    'device', (SELECT to_jsonb(device) FROM devices AS device WHERE device.id = certificate.device_id),
    'customer', (SELECT to_jsonb(customer) FROM customers AS customer WHERE customer.id = certificate.customer_id)
) AS "found!"
FROM certificates AS certificate
WHERE certificate.id = $1
