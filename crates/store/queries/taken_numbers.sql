SELECT certificate_number AS "certificate_number!", id AS "id!"
FROM certificates
WHERE certificate_number = ANY($1::text[])
