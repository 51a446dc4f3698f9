UPDATE certferry.mapping
SET new_id = settled.new_id, origin = settled.origin, certificate_id = settled.certificate_id, recorded_at = now(),
    evidence = settled.evidence,
    run_id = (
        SELECT status.run_id FROM certferry.certificate_status AS status
        WHERE status.certificate_id = settled.certificate_id
    )
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bytea[])
    AS settled (entity, old_id, new_id, origin, certificate_id, evidence)
WHERE mapping.entity = settled.entity AND mapping.old_id = settled.old_id
