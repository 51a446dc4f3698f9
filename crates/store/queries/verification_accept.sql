-- What a person accepted stays accepted as long as neither what is expected nor what is found has moved.
UPDATE certferry.verification_finding AS finding
SET is_accepted = TRUE
FROM certferry.accepted_finding AS accepted
WHERE finding.run_id = $1
    AND accepted.certificate_id = finding.certificate_id
    AND accepted.verdict = finding.verdict
    AND accepted.field = coalesce(finding.field, '')
    AND accepted.expected IS NOT DISTINCT FROM finding.expected
    AND accepted.found IS NOT DISTINCT FROM finding.found
