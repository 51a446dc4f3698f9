-- A million status rows: as many migrated as are left by 200,000 failed ones with two issues each and some queued ones.
INSERT INTO certferry.run (kind, begun_by, host, selected, ended_at) VALUES ('enqueue', 'bench', 'bench', 1000000, now());
INSERT INTO certferry.certificate_status (certificate_id, run_id, ecu_number, certificate_number, state, new_certificate_id,
    attempts, error_kind, error_code, error_message, issues, worker, started_at, finished_at)
SELECT
    id, 1, 'ECU' || id, 'SLC/' || id,
    CASE WHEN id % 5 = 0 THEN 'failed' WHEN id % 100 = 1 THEN 'queued' ELSE 'migrated' END,
    CASE WHEN id % 5 <> 0 AND id % 100 <> 1 THEN id END,
    1,
    CASE WHEN id % 5 = 0 THEN 'mapping' END,
    CASE WHEN id % 5 = 0 THEN CASE WHEN id % 2 = 0 THEN 'missing_device' ELSE 'missing_user_mapping' END END,
    CASE WHEN id % 5 = 0 THEN 'it is not there' END,
    CASE WHEN id % 5 = 0 THEN jsonb_build_array(
        jsonb_build_object('kind', 'mapping', 'code', 'missing_device', 'field', 'ecu_number', 'message', 'none', 'raw', 'ECU' || id),
        jsonb_build_object('kind', 'validation', 'code', 'invalid_speed', 'field', 'speed', 'message', 'none', 'raw', id::text)
    ) ELSE '[]' END,
    'worker', now(), CASE WHEN id % 5 = 0 OR id % 100 <> 1 THEN now() END
FROM generate_series(1, 1000000) AS id;
VACUUM ANALYZE certferry.certificate_status;
ANALYZE;
