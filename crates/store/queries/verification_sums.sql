SELECT
    (SELECT coalesce(sum(verified), 0)::bigint FROM certferry.verification_range WHERE run_id = $1 AND entity = 'certificate')
        AS "verified!",
    (SELECT coalesce(sum(unaddressable), 0)::bigint FROM certferry.verification_range WHERE run_id = $1) AS "unaddressable!",
    (
        SELECT count(DISTINCT new_certificate_id)
        FROM certferry.verification_finding WHERE run_id = $1 AND verdict = 'twin'
    ) AS "twins!",
    -- A status row whose id several rows of the source have has none of its own either.
    (
        SELECT count(DISTINCT finding.certificate_id)
        FROM certferry.verification_finding AS finding
        WHERE finding.run_id = $1 AND (
            finding.verdict = 'gone'
            OR finding.verdict = 'unaddressable' AND EXISTS (
                SELECT FROM certferry.certificate_status AS status WHERE status.certificate_id = finding.certificate_id
            )
        )
    ) AS "gone!",
    (
        SELECT count(DISTINCT certificate_id)
        FROM certferry.verification_finding WHERE run_id = $1 AND verdict = 'not_enqueued'
    ) AS "not_enqueued!",
    (SELECT count(*) FROM certferry.verification_finding WHERE run_id = $1 AND is_accepted) AS "accepted!",
    (SELECT count(*) FROM certferry.verification_finding WHERE run_id = $1 AND NOT is_accepted) AS "findings!"
