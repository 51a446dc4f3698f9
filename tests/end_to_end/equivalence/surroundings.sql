-- What every generated world has in its destination: people of every kind, devices, a number that is taken, and a
-- destination that refuses certificates, people and vehicles for reasons of its own.
INSERT INTO users (id, name) VALUES (101, 'Amal'), (102, 'Badr');
INSERT INTO customers (id, name, trade_license) VALUES (201, 'Mapped', 'CN-1'), (202, 'Mapped without licence', NULL);
INSERT INTO technicians (id, user_id, name) VALUES (301, 101, 'Mapped');
INSERT INTO devices (id, ecu_number) SELECT 400 + n, 'ECU' || n FROM generate_series(1, 8) AS n;
INSERT INTO certificates (id, certificate_number, device_id, customer_id, user_id, speed_limit_kmh, status, issued_at)
VALUES (501, 'TAKEN', 401, 201, 101, 80, 'active', '2015-01-01');
SELECT setval(pg_get_serial_sequence(name, 'id'), 1000)
FROM unnest(ARRAY['users', 'customers', 'technicians', 'devices', 'certificates', 'vehicles']) AS name;

INSERT INTO certferry.mapping (entity, old_id, new_id, origin) VALUES
    ('user', 1, 101, 'imported'), ('user', 2, 102, 'imported'), ('user', 3, 999, 'imported'),
    ('customer', 1, 201, 'imported'), ('customer', 2, 202, 'imported'), ('customer', 3, 999, 'imported'),
    ('technician', 1, 301, 'imported'), ('technician', 2, 999, 'imported');

ALTER TABLE certificates ADD CONSTRAINT no_199 CHECK (speed_limit_kmh <> 199);
ALTER TABLE customers ADD CONSTRAINT no_refused_customer CHECK (name <> 'REFUSED');
ALTER TABLE technicians ADD CONSTRAINT no_refused_technician CHECK (name <> 'REFUSED');
ALTER TABLE vehicles ADD CONSTRAINT no_refused_brand CHECK (brand <> 'REFUSED');
ALTER TABLE vehicles ADD CONSTRAINT one_registration UNIQUE (registration_number);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.remarks LIKE 'refuse %' THEN
        RAISE EXCEPTION 'the trigger does not want it' USING ERRCODE = substr(NEW.remarks, 8);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON certificates FOR EACH ROW EXECUTE FUNCTION refuse();
