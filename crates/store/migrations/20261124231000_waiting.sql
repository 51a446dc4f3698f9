-- Why a worker does not get on, for as long as it says so again: read by `producer status`. Logged, so that it can be read on a
-- standby too.
CREATE TABLE certferry.waiting (
    worker  text        PRIMARY KEY,
    since   timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    because text        NOT NULL
);

-- Since when a certificate waits for a lock that somebody else holds. A crash of the server may take the rows: then the
-- patience with it begins anew.
CREATE UNLOGGED TABLE certferry.lock_wait (
    certificate_id bigint      PRIMARY KEY,
    since          timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_at        timestamptz NOT NULL DEFAULT clock_timestamp()
);
