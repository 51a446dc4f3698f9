-- How many certificates have each verdict; one that has several counts under the gravest, the first of $2. A person whom no
-- certificate has any more counts for himself.
SELECT verdict AS "verdict!", count(*) AS "all!", count(certificate_id) AS "certificates!"
FROM (
    SELECT DISTINCT ON (certificate_id, nobodys) certificate_id, verdict
    FROM (
        SELECT certificate_id, verdict, CASE WHEN certificate_id IS NULL THEN entity || ' ' || subject END AS nobodys
        FROM certferry.verification_finding
        WHERE run_id = $1 AND NOT is_accepted AND verdict <> 'unaddressable'
    ) AS finding
    ORDER BY certificate_id, nobodys, array_position($2::text[], verdict)
) AS gravest
GROUP BY verdict
