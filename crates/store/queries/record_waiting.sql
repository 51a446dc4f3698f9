INSERT INTO certferry.waiting (worker, because) VALUES ($1, $2)
ON CONFLICT (worker) DO UPDATE
SET since = CASE WHEN waiting.because = excluded.because THEN waiting.since ELSE excluded.since END,
    seen_at = excluded.seen_at,
    because = excluded.because
