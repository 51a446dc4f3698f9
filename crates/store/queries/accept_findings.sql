-- A person accepts what the last verification that has ended and found something of a certificate found of it.
WITH latest AS (
    SELECT max(verification.run_id) AS run_id
    FROM certferry.verification
    WHERE verification.result IS NOT NULL AND EXISTS (
        SELECT FROM certferry.verification_finding AS finding
        WHERE finding.run_id = verification.run_id AND finding.certificate_id = $1
    )
),
accepted AS (
    UPDATE certferry.verification_finding AS finding
    SET is_accepted = TRUE
    FROM latest
    WHERE finding.run_id = latest.run_id AND finding.certificate_id = $1
    RETURNING finding.certificate_id, finding.verdict, finding.field, finding.expected, finding.found
)
INSERT INTO certferry.accepted_finding (certificate_id, verdict, field, expected, found, reason, accepted_by)
SELECT DISTINCT ON (certificate_id, verdict, field)
    certificate_id, verdict, coalesce(field, ''), expected, found, $2, $3
FROM accepted
ON CONFLICT (certificate_id, verdict, field) DO UPDATE
SET expected = excluded.expected, found = excluded.found, reason = excluded.reason, accepted_by = excluded.accepted_by,
    accepted_at = clock_timestamp()
RETURNING verdict, field
