-- Whether the table of certificates in the destination's schema $1 is there, is the one that statements of this session use, and
-- may be read.
SELECT coalesce(
    to_regclass('certificates') = to_regclass(quote_ident($1) || '.certificates')
    AND has_table_privilege(to_regclass('certificates'), 'SELECT'),
    FALSE
) AS "can_read!"
