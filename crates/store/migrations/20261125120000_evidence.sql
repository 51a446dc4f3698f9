-- What is needed to prove, refresh and take back later what was migrated; it cannot be found out afterwards.
ALTER TABLE certferry.certificate_status
    -- What the source row said, by which rules it was planned, and what was written into each column, as digests. Null where
    -- it was imported, or written by a version that kept none.
    ADD COLUMN evidence bytea;

ALTER TABLE certferry.mapping
    -- For which certificate, and so in which run, the customer or technician was created or matched; null where imported.
    ADD COLUMN certificate_id bigint,
    ADD COLUMN run_id bigint,
    -- When it was recorded.
    ADD COLUMN recorded_at timestamptz DEFAULT now(),
    -- What was written into each column of who was created, as digests.
    ADD COLUMN evidence bytea;

-- Devices that this migration blocked and that were not blocked before; for which certificate.
CREATE TABLE certferry.blocked_device (
    device_id  bigint      PRIMARY KEY,
    blocked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
