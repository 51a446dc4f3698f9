-- 4,500 migrated and 500 failed certificates, and then one of each hard sort: 4,503, 502, 1 and 1 of the four states.
INSERT INTO certferry.certificate_status (certificate_id, state, certificate_number, ecu_number, new_certificate_id,
    new_vehicle_id, attempts, worker, enqueued_at, started_at, finished_at)
SELECT id, 'migrated', 'C-' || id, 'ECU-' || id, id + 100000, id + 200000, 1, 'worker-1',
    '2025-01-01T00:00:00Z', '2025-01-01T00:00:00Z', '2025-01-01T00:30:00Z'
FROM generate_series(1, 4500) AS id;

INSERT INTO certferry.certificate_status (certificate_id, state, certificate_number, ecu_number, attempts, error_kind,
    error_code, error_message, issues, worker, enqueued_at, started_at, finished_at)
SELECT id, 'failed', 'C-' || id, 'ECU-' || id, 1, 'mapping', 'missing_device', 'no device has the ECU number',
    '[{"kind": "mapping", "code": "missing_device", "field": "ecu_number", "message": "no device has the ECU number"}]',
    'worker-2', '2025-01-01T00:00:00Z', '2025-01-01T00:00:10Z', '2025-01-01T00:40:00Z'
FROM generate_series(4501, 5000) AS id;

INSERT INTO certferry.certificate_status (certificate_id, state, certificate_number, ecu_number, new_certificate_id,
    attempts, warnings, worker, enqueued_at, started_at, finished_at)
VALUES
    (5001, 'migrated', '=HYPERLINK("http://example.invalid")', '007', 1, 1,
     '[{"code": "vehicle_missing", "message": "the certificate names no vehicle"}]', 'worker-1',
     '2025-01-01T00:00:00Z', '2025-01-01T00:00:00Z', '2025-01-01T00:30:00Z'),
    (9007199254740993, 'migrated', 'شهادة ٧', 'وحدة', 9223372036854775807, 1,
     '[{"code": "vehicle_missing", "message": "لا توجد مركبة"}]', 'worker-1',
     '2025-01-01T00:00:00Z', '2025-01-01T00:00:00Z', '2025-01-01T00:30:00Z'),
    -- Imported long after: no worker took it up, so it has no part in how long the migration took.
    (5003, 'migrated', NULL, NULL, 3, 0, '[]', NULL, '2025-03-01T00:00:00Z', NULL, '2025-03-01T00:00:00Z');

INSERT INTO certferry.certificate_status (certificate_id, state, certificate_number, ecu_number, attempts, error_kind,
    error_code, error_message, issues, worker, enqueued_at, started_at, finished_at)
VALUES
    (6001, 'failed', 'C-6001', 'ECU-6001', 5, 'validation', 'invalid_speed', '`1,200` is not a speed',
     jsonb_build_array(
         jsonb_build_object('kind', 'validation', 'code', 'invalid_speed', 'field', 'speed',
             'message', '`1,200` is not a speed'),
         jsonb_build_object('kind', 'validation', 'code', 'code_of_tomorrow', 'field', NULL,
             'message', E'line one\nline two \x01')),
     'worker-2', '2025-01-01T00:00:00Z', '2025-01-01T00:00:20Z', '2025-01-02T01:00:01.75Z'),
    (6002, 'failed', 'C-6002', 'ECU-6002', 1, 'mapping', 'missing_device', repeat('س', 40000), '[]',
     'worker-2', '2025-01-01T00:00:00Z', '2025-01-01T00:00:20Z', '2025-01-01T00:50:00Z');

INSERT INTO certferry.certificate_status (certificate_id, state, enqueued_at, finished_at)
VALUES
    (6003, 'queued', '2025-01-01T00:00:00Z', NULL),
    (6004, 'skipped', '2025-01-01T00:00:00Z', '2025-01-01T00:10:00Z');
