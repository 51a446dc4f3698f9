-- Rows of the source whose id cannot be read, in words.
INSERT INTO certferry.verification_finding (run_id, entity, first, subject, verdict, raw, is_settled)
SELECT $1, 'certificate', 0, 0, 'unaddressable', name, TRUE FROM unnest($2::text[]) AS unreadable (name)
