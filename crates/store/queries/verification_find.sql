INSERT INTO certferry.verification_finding (
    run_id, entity, first, subject, certificate_id, new_certificate_id, verdict, field, raw, expected, found, is_settled
)
SELECT $1, $2, $3, subject, certificate_id, new_certificate_id, verdict, field, raw, expected, found, is_settled
FROM unnest(
    $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::boolean[]
) AS found (subject, certificate_id, new_certificate_id, verdict, field, raw, expected, found, is_settled)
