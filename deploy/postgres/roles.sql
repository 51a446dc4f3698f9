-- The roles of a migration in the new database, each with the least it needs. A superuser, or whoever owns the destination's
-- tables and may create roles, runs it in that database, before the first `producer setup` and again after each:
--
--   psql -v ON_ERROR_STOP=1 -v schema=public -v workers=4 -f roles.sql 'postgres://admin@db/new'
--
-- Before setup it makes the roles, the extensions and the schemas, and everything works; after setup it takes away what
-- nobody is to do with the records of what happened. Repeating it is safe. `schema` is destination.schema, `workers` how many
-- worker processes may run at once. Roles come without a password: \password certferry_worker, or certificates.

\if :{?schema} \else \set schema public \endif
\if :{?workers} \else \set workers 4 \endif

BEGIN;
SET LOCAL client_min_messages = warning;

-- A CREATE ROLE for each that is not there.
SELECT format('CREATE ROLE %I LOGIN NOINHERIT', wanted)
FROM unnest(ARRAY[
    'certferry_setup', 'certferry_producer', 'certferry_worker', 'certferry_reporter', 'certferry_monitor', 'certferry_keda'
]) AS wanted
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted)
\gexec

-- A worker has database.max_connections (10) for batches and up to 7 others; so has a producer.
SELECT format('ALTER ROLE certferry_worker CONNECTION LIMIT %s', 17 * :workers)
\gexec
ALTER ROLE certferry_setup    CONNECTION LIMIT 17;
ALTER ROLE certferry_producer CONNECTION LIMIT 34;
ALTER ROLE certferry_reporter CONNECTION LIMIT 10;
ALTER ROLE certferry_monitor  CONNECTION LIMIT 3;
ALTER ROLE certferry_keda     CONNECTION LIMIT 2;

-- Who only reads cannot write by mistake, and does not hold up anything.
ALTER ROLE certferry_reporter SET default_transaction_read_only = on;
ALTER ROLE certferry_monitor  SET default_transaction_read_only = on;
ALTER ROLE certferry_keda     SET default_transaction_read_only = on;
ALTER ROLE certferry_monitor  SET statement_timeout = '5s';
ALTER ROLE certferry_keda     SET statement_timeout = '5s';

-- Workers and commands tell their own sessions from others' by application_name, which the server shows of one's own role
-- alone. Without it a worker would take a producer's lock for a stranger's. Whoever has it reads other sessions' statements too.
ALTER ROLE certferry_worker   INHERIT;
ALTER ROLE certferry_producer INHERIT;
ALTER ROLE certferry_monitor  INHERIT;
GRANT pg_read_all_stats TO certferry_worker, certferry_producer;
GRANT pg_read_all_settings, pg_read_all_stats TO certferry_monitor;

CREATE EXTENSION IF NOT EXISTS hstore;
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE SCHEMA IF NOT EXISTS certferry AUTHORIZATION certferry_setup;
CREATE SCHEMA IF NOT EXISTS apalis AUTHORIZATION certferry_setup;

-- The queue's first tables come without a schema's name: with this they come into apalis, and nobody needs to create in public.
SELECT format('ALTER ROLE certferry_setup SET search_path = apalis, %s', extnamespace::regnamespace)
FROM pg_extension
WHERE extname = 'hstore'
\gexec

SELECT format('GRANT CONNECT ON DATABASE %I TO certferry_setup, certferry_producer, certferry_worker, certferry_reporter,
    certferry_monitor, certferry_keda', current_database())
\gexec
-- Setup asks for its schemas even where they are there, which takes the right to create one.
SELECT format('GRANT CREATE ON DATABASE %I TO certferry_setup', current_database())
\gexec

-- The destination: only what a migration reads and writes.
GRANT USAGE ON SCHEMA :"schema" TO certferry_setup, certferry_producer, certferry_worker, certferry_reporter;
SET LOCAL search_path = :"schema";
-- Setup reads none of it, but the catalog shows a role only what it has some right to.
GRANT SELECT ON users, customers, technicians, devices, certificates, vehicles
    TO certferry_setup, certferry_producer, certferry_worker, certferry_reporter;
GRANT INSERT ON customers, technicians, certificates, vehicles TO certferry_worker;
-- A refresh writes what changed in the source, and takes away a vehicle that is gone.
GRANT UPDATE ON certificates, vehicles TO certferry_worker;
GRANT DELETE ON vehicles TO certferry_worker;
GRANT UPDATE (is_blocked) ON devices TO certferry_worker;
-- Locks rows, so that a batch finds out who holds one without waiting; no foreign key lets an id be changed that is used.
GRANT UPDATE (id) ON users, customers, technicians TO certferry_worker;
-- `producer revert` takes back what was written.
GRANT DELETE ON customers, technicians, certificates, vehicles TO certferry_producer;
GRANT UPDATE (is_blocked) ON devices TO certferry_producer;
GRANT UPDATE (id) ON customers, technicians, certificates, vehicles TO certferry_producer;
-- An identity column draws from its sequence without a right of its own; a serial one does not.
SELECT format('GRANT USAGE ON SEQUENCE %s TO certferry_worker', pg_get_serial_sequence(relation, 'id'))
FROM unnest(ARRAY['customers', 'technicians', 'certificates', 'vehicles']) AS relation
JOIN pg_class ON pg_class.oid = to_regclass(relation) AND relkind IN ('r', 'p')
WHERE pg_get_serial_sequence(relation, 'id') IS NOT NULL
\gexec
RESET search_path;

-- The records and the queue: the tables that are there, and those that a setup adds.
GRANT USAGE ON SCHEMA certferry TO certferry_producer, certferry_worker, certferry_reporter, certferry_monitor, certferry_keda;
GRANT USAGE ON SCHEMA apalis TO certferry_producer, certferry_worker, certferry_monitor, certferry_keda;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA certferry, apalis TO certferry_producer, certferry_worker;
GRANT SELECT ON ALL TABLES IN SCHEMA certferry TO certferry_reporter;
ALTER DEFAULT PRIVILEGES FOR ROLE certferry_setup IN SCHEMA certferry, apalis
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO certferry_producer, certferry_worker;
ALTER DEFAULT PRIVILEGES FOR ROLE certferry_setup IN SCHEMA certferry GRANT SELECT ON TABLES TO certferry_reporter;

SELECT to_regclass('certferry.tally') IS NOT NULL AND to_regclass('apalis.jobs') IS NOT NULL AS is_set_up
\gset
\if :is_set_up
-- What happened stays as it was recorded: no row of it goes, and only status rows and runs change.
REVOKE DELETE ON certferry.certificate_status, certferry.run FROM certferry_producer, certferry_worker;
REVOKE UPDATE, DELETE ON certferry.history, certferry.tally, certferry.manifest, certferry.forecast, certferry.late_result
    FROM certferry_producer, certferry_worker;
REVOKE INSERT, UPDATE, DELETE ON certferry.schema_migrations FROM certferry_producer, certferry_worker;
REVOKE INSERT, UPDATE, DELETE ON apalis._sqlx_migrations FROM certferry_producer, certferry_worker;
-- Whoever watches sees counts and times, and no certificate.
GRANT SELECT ON certferry.tally, certferry.run, certferry.pause, certferry.waiting, certferry.late_result
    TO certferry_monitor;
GRANT SELECT (job_type, status, attempts, max_attempts, run_at, lock_at, lock_by, priority) ON apalis.jobs TO certferry_monitor;
GRANT SELECT ON apalis.workers TO certferry_monitor;
-- KEDA counts what is left to do.
GRANT SELECT (state, certificates) ON certferry.tally TO certferry_keda;
GRANT SELECT (resumed_at) ON certferry.pause TO certferry_keda;
REVOKE USAGE ON SCHEMA apalis FROM certferry_keda;
\else
\echo 'the roles are there; run producer setup as certferry_setup, and then this again'
\endif
COMMIT;
