-- Whoever may do something with the status table may do it with the tables that an upgrade adds, which are granted to nobody yet.
-- A role that has some right to a table was given what it is to have of it.
DO $$
DECLARE
    missing record;
BEGIN
    FOR missing IN
        SELECT
            of_schema.oid::regclass::text AS table_name,
            CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE granted.grantee::regrole::text END AS role_name,
            string_agg(DISTINCT granted.privilege_type, ', ') AS privileges
        FROM pg_class AS status
        CROSS JOIN LATERAL aclexplode(status.relacl) AS granted
        JOIN pg_class AS of_schema ON of_schema.relnamespace = status.relnamespace AND of_schema.relkind IN ('r', 'p')
        WHERE status.oid = 'certferry.certificate_status'::regclass
            AND granted.grantee <> status.relowner AND granted.grantee <> of_schema.relowner
            AND granted.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
            AND pg_has_role(current_user, of_schema.relowner, 'USAGE')
            AND NOT EXISTS (
                SELECT FROM aclexplode(of_schema.relacl) AS had
                WHERE had.grantee = granted.grantee
            )
        GROUP BY of_schema.oid, granted.grantee
    LOOP
        EXECUTE format('GRANT %s ON %s TO %s', missing.privileges, missing.table_name, missing.role_name);
    END LOOP;
END $$
