-- Whether there is a job that will run or runs: neither ended nor set aside.
SELECT EXISTS (
    SELECT FROM apalis.jobs
    WHERE job_type = $1 AND NOT (status IN ('Done', 'Killed') OR (status = 'Failed' AND attempts >= max_attempts))
) AS "outstanding!"
