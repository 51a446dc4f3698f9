-- A row that says nothing yet. It is there before a disk is full, when none can be added any more.
INSERT INTO certferry.waiting (worker, seen_at, because) VALUES ($1, '-infinity', '') ON CONFLICT DO NOTHING
