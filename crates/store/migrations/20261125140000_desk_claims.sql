-- The certificates that people have before them in one-by-one, so that no two decide about the same. Whoever sits there says
-- so again every few seconds, by the server's clock; what somebody left without a word is free when nothing was heard for
-- worker.orphan_after.
CREATE TABLE certferry.desk_claim (
    certificate_id bigint      PRIMARY KEY,
    person         text        NOT NULL,
    -- One start of one process.
    desk           text        NOT NULL,
    seen_at        timestamptz NOT NULL DEFAULT clock_timestamp()
);
