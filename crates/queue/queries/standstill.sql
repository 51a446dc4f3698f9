-- For how long the job that was claimed last has been, whether one could be claimed now, and when the next one can be.
SELECT (
           SELECT extract(epoch FROM now() - max(lock_at))::float8 FROM apalis.jobs
           WHERE job_type = $1 AND status IN ('Running', 'Queued')
       ) AS claimed_seconds_ago,
       EXISTS (
           SELECT FROM apalis.jobs
           WHERE job_type = $1 AND (status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts)) AND run_at <= now()
       ) AS "is_due!",
       (
           SELECT min(run_at) FROM apalis.jobs
           WHERE job_type = $1 AND (status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts)) AND run_at > now()
       ) AS next_at
