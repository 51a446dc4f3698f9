-- How many migrated certificates carry each warning; the most frequent first.
SELECT warning ->> 'code' AS "code!", count(DISTINCT certificate_id) AS "certificates!"
FROM certferry.certificate_status
CROSS JOIN LATERAL jsonb_array_elements(warnings) AS warning
WHERE warnings <> '[]' AND warning ->> 'code' IS NOT NULL
GROUP BY 1
ORDER BY 2 DESC, 1
