-- Producers that are filling the queue just now. Each says so again every few seconds, by the server's clock; one that died
-- falls silent. A worker that drains waits for them.
CREATE TABLE certferry.producer_at_work (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text        NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
