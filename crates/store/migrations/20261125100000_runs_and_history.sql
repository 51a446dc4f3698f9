-- Runs, what became of their certificates, and what status rows said before they were replaced; rules.md, Runs.
--
-- Safe while workers and producers of the version before run: what they write is counted too, for triggers do it.

-- Each command that queued certificates, or looked at them all. Rows are added, and closed once.
CREATE TABLE certferry.run (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text        NOT NULL,
    begun_by     text        NOT NULL,
    host         text        NOT NULL,
    begun_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- What the command was told to select.
    filter       jsonb       NOT NULL DEFAULT '{}',
    -- Certificates it queued, counted by the command, page by page, in the transactions that queued them.
    selected     bigint      NOT NULL DEFAULT 0,
    -- When it had gone through all that it was to select; null while it does, and where it was interrupted.
    ended_at     timestamptz,
    cancelled_at timestamptz,
    cancelled_by text,
    CONSTRAINT kind_is_known CHECK (kind IN ('enqueue', 'retry', 'refresh', 'verify', 'revert')),
    CONSTRAINT selected_is_a_count CHECK (selected >= 0),
    CONSTRAINT someone_cancelled CHECK ((cancelled_at IS NULL) = (cancelled_by IS NULL))
);

-- How the numbers of certificates by run, state and first issue changed, a row for each group that one statement changed. The
-- sums are what counting the status table would give, without reading it. Rows are only added.
CREATE TABLE certferry.tally (
    at               timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id           bigint,
    state            text        NOT NULL,
    error_kind       text,
    error_code       text,
    error_field      text,
    -- By how much the number of status rows grew.
    certificates     bigint      NOT NULL,
    -- By how much the run's own number grew. A certificate that a later run queues again leaves the status rows of its run,
    -- and goes on to count in it as what it was.
    in_run           bigint      NOT NULL,
    -- Of the rows that were added: the highest id, and when they were enqueued, begun and finished first and last.
    certificate_id   bigint,
    enqueued_at      timestamptz,
    started_at       timestamptz,
    finished_at      timestamptz
);

-- What a status row said before it was queued again or taken back, and attempts that ended without a result. Rows are only
-- added; what became of a certificate last is in its status row.
CREATE TABLE certferry.history (
    id                 bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    certificate_id     bigint      NOT NULL,
    at                 timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id             bigint,
    outcome            text        NOT NULL,
    -- Who: a worker, or a person.
    worker             text,
    -- Why, where a person decided it.
    reason             text,
    issues             jsonb       NOT NULL DEFAULT '[]',
    warnings           jsonb       NOT NULL DEFAULT '[]',
    new_certificate_id bigint,
    new_vehicle_id     bigint,
    CONSTRAINT outcome_is_known CHECK (outcome IN ('migrated', 'failed', 'skipped', 'reverted', 'postponed', 'crashed'))
);
CREATE INDEX history_of_certificate ON certferry.history (certificate_id);

-- From here on nobody else writes status rows until all of this is committed, so that what is counted stays true.
ALTER TABLE certferry.certificate_status
    -- The run that queued it last; null where it was imported, or queued by a version that knew no runs.
    ADD COLUMN run_id bigint,
    -- Why a person set it aside.
    ADD COLUMN reason text,
    DROP CONSTRAINT state_is_known,
    ADD CONSTRAINT state_is_known CHECK (state IN ('queued', 'migrated', 'failed', 'skipped', 'reverted'));

INSERT INTO certferry.tally (
    run_id, state, error_kind, error_code, error_field, certificates, in_run, certificate_id, enqueued_at, started_at, finished_at
)
SELECT
    run_id, state, error_kind, error_code, issues #>> '{0,field}', count(*), count(*), max(certificate_id), min(enqueued_at),
    min(started_at), max(finished_at) FILTER (WHERE started_at IS NOT NULL)
FROM certferry.certificate_status
GROUP BY run_id, state, error_kind, error_code, issues #>> '{0,field}';

-- Counts in the transaction that changes the rows, whoever does it, and whatever that role may do with the tally itself.
CREATE FUNCTION certferry.keep_tally() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO certferry.tally (
            run_id, state, error_kind, error_code, error_field, certificates, in_run, certificate_id, enqueued_at, started_at,
            finished_at
        )
        SELECT
            run_id, state, error_kind, error_code, issues #>> '{0,field}', count(*), count(*), max(certificate_id),
            min(enqueued_at), min(started_at), max(finished_at) FILTER (WHERE started_at IS NOT NULL)
        FROM added
        GROUP BY run_id, state, error_kind, error_code, issues #>> '{0,field}';
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO certferry.tally (
            run_id, state, error_kind, error_code, error_field, certificates, in_run, certificate_id, enqueued_at, started_at,
            finished_at
        )
        SELECT
            run_id, state, error_kind, error_code, error_field, sum(change), sum(change), max(certificate_id),
            min(enqueued_at), min(started_at), max(finished_at) FILTER (WHERE started_at IS NOT NULL)
        FROM (
            SELECT
                1 AS change, run_id, state, error_kind, error_code, issues #>> '{0,field}' AS error_field, certificate_id,
                enqueued_at, started_at, finished_at
            FROM added
            UNION ALL
            SELECT -1, run_id, state, error_kind, error_code, issues #>> '{0,field}', NULL, NULL, NULL, NULL
            FROM removed
        ) AS changed
        GROUP BY run_id, state, error_kind, error_code, error_field
        HAVING sum(change) <> 0;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO certferry.tally (run_id, state, error_kind, error_code, error_field, certificates, in_run)
        SELECT run_id, state, error_kind, error_code, issues #>> '{0,field}', -count(*), -count(*)
        FROM removed
        GROUP BY run_id, state, error_kind, error_code, issues #>> '{0,field}';
    ELSE
        INSERT INTO certferry.tally (run_id, state, error_kind, error_code, error_field, certificates, in_run)
        SELECT run_id, state, error_kind, error_code, error_field, -sum(certificates), -sum(certificates)
        FROM certferry.tally
        GROUP BY run_id, state, error_kind, error_code, error_field
        HAVING sum(certificates) <> 0;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER tally_inserted AFTER INSERT ON certferry.certificate_status
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION certferry.keep_tally();
CREATE TRIGGER tally_updated AFTER UPDATE ON certferry.certificate_status
REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION certferry.keep_tally();
CREATE TRIGGER tally_deleted AFTER DELETE ON certferry.certificate_status
REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION certferry.keep_tally();
CREATE TRIGGER tally_truncated AFTER TRUNCATE ON certferry.certificate_status
FOR EACH STATEMENT EXECUTE FUNCTION certferry.keep_tally();
