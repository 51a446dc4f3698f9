-- Does what certferry.write_each does, and makes sure that the destination stored what it was given: what a trigger, a rule or
-- a view drops or changes is undone and counts as refused. Workers of the version before go on using certferry.write_each.
--
-- A few at a time share a subtransaction. When one of them is refused, the few are undone and written again without it: most
-- are not refused, and many subtransactions slow every session of a server down.
--
-- The destination's tables are those that the caller's search_path finds.
CREATE FUNCTION certferry.write_in_turn(
    certificate_numbers text[], device_ids bigint[], customer_ids bigint[], user_ids bigint[],
    calibration_technician_ids bigint[], installation_technician_ids bigint[], speed_limits_kmh smallint[],
    statuses text[], issue_times timestamptz[], expiry_times timestamptz[], calibration_times timestamptz[],
    installation_times timestamptz[], all_remarks text[],
    -- A certificate without a brand has no vehicle.
    brands text[], models text[], chassis_numbers text[], registration_numbers text[], are_new_registrations boolean[],
    are_blocking boolean[]
) RETURNS TABLE (
    place              integer,
    -- Null when the certificate was not written.
    new_certificate_id bigint,
    new_vehicle_id     bigint,
    -- Who has the certificate's number already.
    holder_id          bigint,
    -- The refusal of the certificate or, where that was written, of its vehicle.
    refusal_state      text,
    refusal_message    text,
    refusal_table      text,
    refusal_column     text,
    refusal_constraint text
) LANGUAGE plpgsql
-- Its statements are planned once a session, perhaps when the tables are still empty.
SET enable_seqscan = off
AS $$
-- Whatever columns the destination's tables have beside those of the contract.
#variable_conflict use_variable
DECLARE
    few                 CONSTANT integer := 16;
    total               CONSTANT integer := cardinality(certificate_numbers);
    -- By place.
    are_refused         boolean[] := array_fill(FALSE, ARRAY[total]);
    new_certificate_ids bigint[]  := array_fill(NULL::bigint, ARRAY[total]);
    new_vehicle_ids     bigint[]  := array_fill(NULL::bigint, ARRAY[total]);
    holder_ids          bigint[]  := array_fill(NULL::bigint, ARRAY[total]);
    states              text[]    := array_fill(NULL::text, ARRAY[total]);
    messages            text[]    := array_fill(NULL::text, ARRAY[total]);
    tables              text[]    := array_fill(NULL::text, ARRAY[total]);
    columns             text[]    := array_fill(NULL::text, ARRAY[total]);
    constraints         text[]    := array_fill(NULL::text, ARRAY[total]);
    first               integer   := 1;
    at                  integer;
    is_at_vehicle       boolean;
    stored              record;
    changed             text;
    context             text;
    locked_table        text;
    patience            CONSTANT text := current_setting('lock_timeout');
    waited              interval := '0';
BEGIN
    -- Rows are locked in one order everywhere: devices by id, and then certificates.
    PERFORM
    FROM devices
    WHERE devices.id IN (SELECT id FROM unnest(device_ids, are_blocking) AS of (id, is_blocking) WHERE is_blocking)
        AND NOT devices.is_blocked
    ORDER BY devices.id
    FOR NO KEY UPDATE;

    WHILE first <= total LOOP
        LOOP
            BEGIN
                FOR place_of_these IN first..least(first + few - 1, total) LOOP
                    at := place_of_these;
                    CONTINUE WHEN are_refused[at];
                    is_at_vehicle := FALSE;
                    SELECT certificates.id INTO holder_id
                    FROM certificates
                    WHERE certificates.certificate_number = certificate_numbers[at]
                        -- Two numbers are the same when their bytes are, whatever the column's collation says.
                        AND certificates.certificate_number::text COLLATE "C" = certificate_numbers[at]
                    LIMIT 1;
                    holder_ids[at] := holder_id;
                    CONTINUE WHEN holder_id IS NOT NULL;

                    INSERT INTO certificates (
                        certificate_number, device_id, customer_id, user_id, calibration_technician_id,
                        installation_technician_id, speed_limit_kmh, status, issued_at, expires_at, calibrated_at,
                        installed_at, remarks
                    )
                    VALUES (
                        certificate_numbers[at], device_ids[at], customer_ids[at], user_ids[at],
                        calibration_technician_ids[at], installation_technician_ids[at], speed_limits_kmh[at],
                        statuses[at]::certificate_state, issue_times[at], expiry_times[at], calibration_times[at],
                        installation_times[at], all_remarks[at]
                    )
                    RETURNING
                        certificates.id, certificates.certificate_number, certificates.device_id, certificates.customer_id,
                        certificates.user_id, certificates.calibration_technician_id,
                        certificates.installation_technician_id, certificates.speed_limit_kmh, certificates.status,
                        certificates.issued_at, certificates.expires_at, certificates.calibrated_at,
                        certificates.installed_at, certificates.remarks
                    INTO stored;
                    IF NOT FOUND THEN
                        RAISE EXCEPTION USING
                            ERRCODE = 'integrity_constraint_violation', TABLE = 'certificates',
                            MESSAGE = 'a trigger or rule of the destination dropped the row of certificates';
                    END IF;
                    IF stored.id IS NULL THEN
                        RAISE EXCEPTION USING
                            ERRCODE = 'integrity_constraint_violation', TABLE = 'certificates',
                            MESSAGE = 'the destination gave no id for the row of certificates; a trigger instead of its insert must fill it in';
                    END IF;
                    changed := CASE
                        WHEN stored.certificate_number::text COLLATE "C" IS DISTINCT FROM certificate_numbers[at]
                            THEN 'certificate_number'
                        WHEN stored.device_id IS DISTINCT FROM device_ids[at] THEN 'device_id'
                        WHEN stored.customer_id IS DISTINCT FROM customer_ids[at] THEN 'customer_id'
                        WHEN stored.user_id IS DISTINCT FROM user_ids[at] THEN 'user_id'
                        WHEN stored.calibration_technician_id IS DISTINCT FROM calibration_technician_ids[at]
                            THEN 'calibration_technician_id'
                        WHEN stored.installation_technician_id IS DISTINCT FROM installation_technician_ids[at]
                            THEN 'installation_technician_id'
                        WHEN stored.speed_limit_kmh IS DISTINCT FROM speed_limits_kmh[at] THEN 'speed_limit_kmh'
                        WHEN stored.status::text COLLATE "C" IS DISTINCT FROM statuses[at] THEN 'status'
                        WHEN stored.issued_at IS DISTINCT FROM issue_times[at] THEN 'issued_at'
                        WHEN stored.expires_at IS DISTINCT FROM expiry_times[at] THEN 'expires_at'
                        WHEN stored.calibrated_at IS DISTINCT FROM calibration_times[at] THEN 'calibrated_at'
                        WHEN stored.installed_at IS DISTINCT FROM installation_times[at] THEN 'installed_at'
                        WHEN stored.remarks::text COLLATE "C" IS DISTINCT FROM all_remarks[at] THEN 'remarks'
                    END;
                    IF changed IS NOT NULL THEN
                        RAISE EXCEPTION USING
                            ERRCODE = 'integrity_constraint_violation', TABLE = 'certificates', COLUMN = changed,
                            MESSAGE = format('a trigger, rule or view of the destination changed the value of certificates.%s', changed);
                    END IF;
                    new_certificate_id := stored.id;
                    new_certificate_ids[at] := new_certificate_id;

                    IF are_blocking[at] THEN
                        UPDATE devices SET is_blocked = TRUE WHERE devices.id = device_ids[at] AND NOT devices.is_blocked;
                        PERFORM FROM devices WHERE devices.id = device_ids[at] AND devices.is_blocked;
                        IF NOT FOUND THEN
                            RAISE EXCEPTION USING
                                ERRCODE = 'integrity_constraint_violation', TABLE = 'certificates', COLUMN = 'device_id',
                                MESSAGE = 'a trigger, rule or view of the destination does not let the device be blocked';
                        END IF;
                    END IF;

                    -- A vehicle that was refused is not tried again.
                    CONTINUE WHEN brands[at] IS NULL OR states[at] IS NOT NULL;
                    is_at_vehicle := TRUE;
                    INSERT INTO vehicles (
                        certificate_id, brand, model, chassis_number, registration_number, is_new_registration
                    )
                    VALUES (
                        new_certificate_id, brands[at], models[at], chassis_numbers[at], registration_numbers[at],
                        are_new_registrations[at]
                    )
                    RETURNING
                        vehicles.id, vehicles.certificate_id, vehicles.brand, vehicles.model, vehicles.chassis_number,
                        vehicles.registration_number, vehicles.is_new_registration
                    INTO stored;
                    IF NOT FOUND THEN
                        RAISE EXCEPTION USING
                            ERRCODE = 'integrity_constraint_violation', TABLE = 'vehicles',
                            MESSAGE = 'a trigger or rule of the destination dropped the row of vehicles';
                    END IF;
                    IF stored.id IS NULL THEN
                        RAISE EXCEPTION USING
                            ERRCODE = 'integrity_constraint_violation', TABLE = 'vehicles',
                            MESSAGE = 'the destination gave no id for the row of vehicles; a trigger instead of its insert must fill it in';
                    END IF;
                    changed := CASE
                        WHEN stored.certificate_id IS DISTINCT FROM new_certificate_id THEN 'certificate_id'
                        WHEN stored.brand::text COLLATE "C" IS DISTINCT FROM brands[at] THEN 'brand'
                        WHEN stored.model::text COLLATE "C" IS DISTINCT FROM models[at] THEN 'model'
                        WHEN stored.chassis_number::text COLLATE "C" IS DISTINCT FROM chassis_numbers[at]
                            THEN 'chassis_number'
                        WHEN stored.registration_number::text COLLATE "C" IS DISTINCT FROM registration_numbers[at]
                            THEN 'registration_number'
                        WHEN stored.is_new_registration IS DISTINCT FROM are_new_registrations[at]
                            THEN 'is_new_registration'
                    END;
                    IF changed IS NOT NULL THEN
                        RAISE EXCEPTION USING
                            ERRCODE = 'integrity_constraint_violation', TABLE = 'vehicles', COLUMN = changed,
                            MESSAGE = format('a trigger, rule or view of the destination changed the value of vehicles.%s', changed);
                    END IF;
                    new_vehicle_ids[at] := stored.id;
                END LOOP;
                EXIT;
            EXCEPTION
                -- Nothing that one certificate or vehicle is to blame for.
                WHEN deadlock_detected OR connection_exception OR insufficient_resources OR operator_intervention
                    OR system_error
                THEN
                    RAISE;
                WHEN OTHERS THEN
                    GET STACKED DIAGNOSTICS
                        refusal_state = RETURNED_SQLSTATE, refusal_message = MESSAGE_TEXT, refusal_table = TABLE_NAME,
                        refusal_column = COLUMN_NAME, refusal_constraint = CONSTRAINT_NAME,
                        context = PG_EXCEPTION_CONTEXT;
                    are_refused[at] := NOT is_at_vehicle;
                    states[at] := refusal_state;
                    messages[at] := refusal_message;
                    tables[at] := refusal_table;
                    columns[at] := refusal_column;
                    constraints[at] := refusal_constraint;
                    IF refusal_state = '55P03' THEN
                        waited := waited + current_setting('lock_timeout')::interval;
                        IF waited >= interval '2 seconds' THEN
                            PERFORM set_config('lock_timeout', '10ms', TRUE);
                        END IF;
                        -- Which row it was, the query of the foreign key says; whoever else needs that row is not tried.
                        locked_table := coalesce(
                            substring(context FROM 'SELECT 1 FROM ONLY (?:"[^"]*"[.])?"([^"]+)"'),
                            substring(context FROM ' in relation "([^"]+)"')
                        );
                        FOR later IN at + 1..total LOOP
                            CONTINUE WHEN are_refused[later] OR NOT coalesce(CASE locked_table
                                WHEN 'users' THEN user_ids[later] = user_ids[at]
                                WHEN 'customers' THEN customer_ids[later] = customer_ids[at]
                                WHEN 'devices' THEN device_ids[later] = device_ids[at]
                                WHEN 'technicians' THEN
                                    ARRAY[calibration_technician_ids[later], installation_technician_ids[later]]
                                    && array_remove(
                                        ARRAY[calibration_technician_ids[at], installation_technician_ids[at]], NULL
                                    )
                            END, FALSE);
                            are_refused[later] := TRUE;
                            states[later] := refusal_state;
                            messages[later] := refusal_message;
                        END LOOP;
                    END IF;
            END;
        END LOOP;
        first := first + few;
    END LOOP;

    PERFORM set_config('lock_timeout', patience, TRUE);

    FOR each_place IN 1..total LOOP
        place := each_place;
        -- Ids of certificates that were undone are still there.
        new_certificate_id :=
            CASE WHEN NOT are_refused[place] AND holder_ids[place] IS NULL THEN new_certificate_ids[place] END;
        new_vehicle_id := CASE WHEN states[place] IS NULL THEN new_vehicle_ids[place] END;
        holder_id := holder_ids[place];
        refusal_state := states[place];
        refusal_message := messages[place];
        refusal_table := tables[place];
        refusal_column := columns[place];
        refusal_constraint := constraints[place];
        RETURN NEXT;
    END LOOP;
END $$;
