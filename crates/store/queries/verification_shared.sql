-- Certificates of the destination that several status rows claim: at most one of them is right.
INSERT INTO certferry.verification_finding (
    run_id, entity, first, subject, certificate_id, new_certificate_id, verdict, field, found, is_settled
)
SELECT
    $1, 'certificate', status.certificate_id, status.certificate_id, status.certificate_id, status.new_certificate_id, 'suspect',
    'status.new_certificate_id', status.new_certificate_id::text, TRUE
FROM certferry.certificate_status AS status
JOIN (
    SELECT new_certificate_id
    FROM certferry.certificate_status
    WHERE state = 'migrated' AND new_certificate_id IS NOT NULL
    GROUP BY new_certificate_id
    HAVING count(*) > 1
) AS shared USING (new_certificate_id)
WHERE status.state = 'migrated'
