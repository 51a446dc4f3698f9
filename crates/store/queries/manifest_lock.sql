-- Until the end of the transaction, which a pooler respects: one at a time adds a row.
SELECT pg_advisory_xact_lock(x'636572746d616e69'::bit(64)::bigint) AS locked
