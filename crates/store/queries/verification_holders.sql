-- The certificates of the destination that have one of these numbers, byte by byte.
SELECT certificate.id AS "id!", certificate.certificate_number::text AS "certificate_number!"
FROM certificates AS certificate
WHERE certificate.certificate_number = ANY($1::text[])
