-- Verification: ranges of ids that any number of processes look through, and what they found; rules.md, Afterwards.

CREATE TABLE certferry.verification (
    run_id      bigint  PRIMARY KEY,
    -- Which certificates; all of them where it is empty.
    filter      jsonb   NOT NULL DEFAULT '{}',
    -- Of all certificates this share is looked at.
    share       float8  NOT NULL DEFAULT 1,
    -- The highest id that is in a range; null before the first range.
    cut_to      bigint,
    is_cut      boolean NOT NULL DEFAULT FALSE,
    -- The equations, and what else there is to say, when it has ended.
    result      jsonb
);

CREATE TABLE certferry.verification_range (
    run_id        bigint      NOT NULL,
    entity        text        NOT NULL,
    first         bigint      NOT NULL,
    last          bigint      NOT NULL,
    -- How often it was looked through. What does not match is looked at again.
    round         integer     NOT NULL DEFAULT 0,
    not_before    timestamptz NOT NULL DEFAULT clock_timestamp(),
    leased_by     text,
    leased_until  timestamptz,
    -- Certificates that were looked at, and rows of the source that nothing tells apart.
    verified      bigint      NOT NULL DEFAULT 0,
    unaddressable bigint      NOT NULL DEFAULT 0,
    done_at       timestamptz,
    PRIMARY KEY (run_id, entity, first),
    CONSTRAINT entity_is_known CHECK (entity IN ('certificate', 'customer', 'technician'))
);

-- What was found: a row for each certificate and column.
CREATE TABLE certferry.verification_finding (
    id                 bigint  GENERATED ALWAYS AS IDENTITY,
    run_id             bigint  NOT NULL,
    entity             text    NOT NULL,
    first              bigint  NOT NULL,
    -- What the range looks at: the id of the certificate, customer or technician.
    subject            bigint  NOT NULL,
    certificate_id     bigint,
    new_certificate_id bigint,
    verdict            text    NOT NULL,
    field              text,
    raw                text,
    expected           text,
    found              text,
    -- Whether it was the same when it was looked at again.
    is_settled         boolean NOT NULL DEFAULT FALSE,
    -- Whether a person has accepted it.
    is_accepted        boolean NOT NULL DEFAULT FALSE,
    PRIMARY KEY (run_id, id)
);
CREATE INDEX finding_of_range ON certferry.verification_finding (run_id, entity, first) WHERE NOT is_settled;

-- Findings that a person has looked at and accepted, until the value moves again. Rows are added, and replaced by later ones.
CREATE TABLE certferry.accepted_finding (
    certificate_id bigint      NOT NULL,
    verdict        text        NOT NULL,
    field          text        NOT NULL,
    -- What was expected and found then.
    expected       text,
    found          text,
    reason         text        NOT NULL,
    accepted_by    text        NOT NULL,
    accepted_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (certificate_id, verdict, field)
);
