-- What apalis-postgres's own trigger would send for a row, once for all of them.
SELECT pg_notify('apalis::job::insert', json_build_object('job_type', $1::text, 'id', $2::text)::text) AS "sent: ()"
