-- Who told the workers to stop claiming, and who to go on. At most one pause is open.
CREATE TABLE certferry.pause (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    paused_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    paused_by  text        NOT NULL,
    reason     text,
    resumed_at timestamptz,
    resumed_by text,
    CONSTRAINT someone_resumed CHECK ((resumed_at IS NULL) = (resumed_by IS NULL))
);
CREATE UNIQUE INDEX pause_open ON certferry.pause ((resumed_at IS NULL)) WHERE resumed_at IS NULL;

-- What became of the last batches of all workers, for the circuit breaker. Old rows are deleted; a crash of the server may
-- take the others too.
CREATE UNLOGGED TABLE certferry.recent_batch (
    id                   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at                   timestamptz NOT NULL DEFAULT clock_timestamp(),
    worker               text        NOT NULL,
    certificates         integer     NOT NULL DEFAULT 0,
    -- How many of them failed with each code.
    failures             jsonb       NOT NULL DEFAULT '{}',
    -- The code of the error for which the whole batch has to be tried again.
    infrastructure_error text
);
