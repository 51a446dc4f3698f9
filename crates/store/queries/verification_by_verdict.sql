-- How many certificates have each verdict; one that has several counts under the gravest, the first of $2.
SELECT verdict AS "verdict!", count(*) AS "certificates!"
FROM (
    SELECT DISTINCT ON (certificate_id) certificate_id, verdict
    FROM certferry.verification_finding
    WHERE run_id = $1 AND NOT is_accepted AND certificate_id IS NOT NULL AND verdict <> 'unaddressable'
    ORDER BY certificate_id, array_position($2::text[], verdict)
) AS gravest
GROUP BY verdict
