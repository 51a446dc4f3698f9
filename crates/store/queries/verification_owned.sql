-- A certificate of the destination with the number of a legacy one is no twin where a status row owns it.
DELETE FROM certferry.verification_finding AS finding
USING certferry.certificate_status AS status
WHERE finding.run_id = $1 AND finding.verdict = 'twin'
    AND status.new_certificate_id = finding.new_certificate_id AND status.state = 'migrated'
