-- One row for every certificate ever enqueued; rules.md, The status table.
--
-- Every row is written once and updated once or twice. No index but the key mentions a column that changes, and the
-- pages leave room for the longer row, so that the update stays on its page and touches no index.
CREATE TABLE certferry.certificate_status (
    certificate_id     bigint      NOT NULL PRIMARY KEY,
    state              text        NOT NULL DEFAULT 'queued',
    certificate_number text,
    ecu_number         text,
    new_certificate_id bigint,
    new_vehicle_id     bigint,
    attempts           integer     NOT NULL DEFAULT 0,
    error_kind         text,
    error_code         text,
    error_message      text,
    issues             jsonb       NOT NULL DEFAULT '[]',
    warnings           jsonb       NOT NULL DEFAULT '[]',
    worker             text,
    enqueued_at        timestamptz NOT NULL DEFAULT now(),
    started_at         timestamptz,
    finished_at        timestamptz,
    CONSTRAINT state_is_known CHECK (state IN ('queued', 'migrated', 'failed', 'skipped')),
    CONSTRAINT migrated_has_its_certificate CHECK ((state = 'migrated') = (new_certificate_id IS NOT NULL)),
    CONSTRAINT only_migrated_has_a_vehicle CHECK (state = 'migrated' OR new_vehicle_id IS NULL),
    CONSTRAINT failed_has_its_reason CHECK (
        (state = 'failed') = (error_code IS NOT NULL)
        AND (error_code IS NULL) = (error_kind IS NULL)
        AND (error_code IS NULL) = (error_message IS NULL)
    ),
    CONSTRAINT finished_has_its_time CHECK (state = 'queued' OR finished_at IS NOT NULL)
) WITH (fillfactor = 30);

-- Old id to new id; rules.md, The status table.
CREATE TABLE certferry.mapping (
    entity text   NOT NULL,
    old_id bigint NOT NULL,
    new_id bigint NOT NULL,
    origin text   NOT NULL,
    PRIMARY KEY (entity, old_id),
    CONSTRAINT entity_is_known CHECK (entity IN ('user', 'customer', 'technician')),
    CONSTRAINT origin_is_known CHECK (origin IN ('imported', 'matched', 'created'))
);

-- A worker that was thought dead, came back and found the certificate finished by another: counted, nothing changed.
CREATE TABLE certferry.late_result (
    certificate_id bigint      NOT NULL,
    worker         text        NOT NULL,
    at             timestamptz NOT NULL DEFAULT now()
);
