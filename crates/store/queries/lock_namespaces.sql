-- One after the other, in the order given; until the end of the transaction.
SELECT pg_advisory_xact_lock(namespace) AS locked FROM unnest($1::bigint[]) AS namespace
