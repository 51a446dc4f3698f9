-- Nothing comes back where another desk has it that was seen lately.
INSERT INTO certferry.desk_claim AS claim (certificate_id, person, desk)
VALUES ($1, $2, $3)
ON CONFLICT (certificate_id) DO UPDATE
SET person = excluded.person, desk = excluded.desk, seen_at = excluded.seen_at
WHERE claim.desk = excluded.desk OR claim.seen_at < clock_timestamp() - $4::double precision * interval '1 second'
RETURNING seen_at
