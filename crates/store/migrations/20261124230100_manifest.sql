-- What a migration was begun with: between which databases, by which rules. The row with the highest id is in force; what
-- was in force before it is kept. Rows are only added.
CREATE TABLE certferry.manifest (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_by text        NOT NULL,
    -- The destination's tables and type by their oids.
    destination jsonb       NOT NULL,
    -- The legacy database and the queries that read it; null until certificates are enqueued.
    source      jsonb,
    -- What decides outcomes: the time zone, the words of each status and so on; null until certificates are enqueued.
    rules       jsonb
);
