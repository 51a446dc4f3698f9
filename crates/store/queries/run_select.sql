-- Counts certificates that the run has just queued, in the transaction that queues them; nothing when the run was cancelled.
UPDATE certferry.run SET selected = selected + $2 WHERE id = $1 AND cancelled_at IS NULL RETURNING id
