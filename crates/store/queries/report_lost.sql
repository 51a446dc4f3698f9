-- Certificates that were migrated, and that the destination does not have any more.
SELECT status.certificate_id, status.new_certificate_id AS "new_certificate_id!"
FROM certferry.certificate_status AS status
WHERE status.state = 'migrated'
  AND NOT EXISTS (SELECT FROM certificates AS certificate WHERE certificate.id = status.new_certificate_id)
ORDER BY status.certificate_id
