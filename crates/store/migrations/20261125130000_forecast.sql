-- What `producer check --save` said would become of the certificates. Rows are only added; the last one is shown beside
-- the outcome.
CREATE TABLE certferry.forecast (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_by text        NOT NULL,
    -- The assessment as `producer check --json` has it, without legacy values.
    forecast    jsonb       NOT NULL
);
