-- How many certificates a second all workers together may take up: one bucket of tokens, from which each takes before it
-- claims. No row: no limit.
CREATE TABLE certferry.rate_limit (
    only_one   boolean          NOT NULL DEFAULT TRUE PRIMARY KEY,
    per_second double precision NOT NULL,
    tokens     double precision NOT NULL DEFAULT 0,
    filled_at  timestamptz      NOT NULL DEFAULT clock_timestamp(),
    set_by     text             NOT NULL,
    set_at     timestamptz      NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT there_is_one_limit CHECK (only_one),
    CONSTRAINT a_rate_is_above_nothing CHECK (per_second > 0)
);
