-- apalis-postgres 1.0 has two indexes on jobs.id and two on jobs.lock_by. Every claim writes to each of them.
DROP INDEX IF EXISTS apalis.unique_job_id, apalis.lidx
