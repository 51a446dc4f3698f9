INSERT INTO vehicles (certificate_id, brand, model, chassis_number, registration_number, is_new_registration)
SELECT certificate_id, brand, model, chassis_number, registration_number, is_new_registration
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[])
    AS planned (certificate_id, brand, model, chassis_number, registration_number, is_new_registration)
RETURNING id AS "id!", certificate_id AS "certificate_id!"
