-- For each of the names: the relation of the destination's schema, and the one that a statement of this session would use.
SELECT contract.name AS "name!", there.oid::bigint AS "oid?", used.oid::bigint AS "used_oid?",
       used.relnamespace::regnamespace::text AS "used_schema?"
FROM unnest($2::text[]) WITH ORDINALITY AS contract (name, place)
LEFT JOIN (pg_class AS there JOIN pg_namespace AS namespace ON namespace.oid = there.relnamespace)
    ON namespace.nspname = $1 AND there.relname = contract.name AND there.relkind IN ('r', 'p', 'v', 'f')
LEFT JOIN pg_class AS used ON used.oid = to_regclass(quote_ident(contract.name))
ORDER BY contract.place
