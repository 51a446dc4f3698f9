-- Certificates are taken back. What was kept of them goes with them; what became of them stays in their history.
UPDATE certferry.certificate_status
SET state = 'reverted', new_certificate_id = NULL, new_vehicle_id = NULL, warnings = '[]', evidence = NULL, worker = $2,
    finished_at = clock_timestamp()
WHERE certificate_id = ANY($1::bigint[])
