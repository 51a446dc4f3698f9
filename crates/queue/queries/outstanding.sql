SELECT EXISTS (SELECT FROM apalis.jobs WHERE job_type = $1 AND status <> 'Killed') AS "outstanding!"
