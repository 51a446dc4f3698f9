-- Gives back what this worker claimed without learning of it: the answer to the claim was lost. $2 is what it has in hand;
-- what was claimed a moment ago may be on its way.
UPDATE apalis.jobs SET status = 'Pending', lock_by = NULL, lock_at = NULL
WHERE lock_by = $1 AND status IN ('Queued', 'Running') AND lock_at < now() - interval '2 seconds'
  AND NOT (id = ANY($2::text[]))
