SELECT EXISTS (SELECT FROM apalis.jobs WHERE job_type = $1) AS "outstanding!"
