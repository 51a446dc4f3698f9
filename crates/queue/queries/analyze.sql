ANALYZE apalis.jobs
