-- Writes certificates and their vehicles one after the other, in the order they are given, blocks the devices of those that
-- are blocking, and says for each what came of it: what the destination refuses is undone, and the transaction goes on. Everything happens on the server, for what takes
-- it a millisecond would take a client many round trips.
--
-- A few at a time share a subtransaction. When one of them is refused, the few are undone and written again without it: most
-- are not refused, and many subtransactions slow every session of a server down.
--
-- The destination's tables are those that the caller's search_path finds.
CREATE FUNCTION certferry.write_each(
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
    stored_number       text;
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
                    RETURNING certificates.id, certificates.certificate_number INTO new_certificate_id, stored_number;
                    IF stored_number IS DISTINCT FROM certificate_numbers[at] THEN
                        RAISE EXCEPTION USING
                            ERRCODE = 'internal_error',
                            MESSAGE = format(
                                'the destination stored another certificate number than "%s"; does a trigger change it?',
                                certificate_numbers[at]
                            );
                    END IF;
                    new_certificate_ids[at] := new_certificate_id;

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
                    RETURNING vehicles.id INTO new_vehicle_id;
                    new_vehicle_ids[at] := new_vehicle_id;
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
                        refusal_column = COLUMN_NAME, refusal_constraint = CONSTRAINT_NAME;
                    are_refused[at] := NOT is_at_vehicle;
                    states[at] := refusal_state;
                    messages[at] := refusal_message;
                    tables[at] := refusal_table;
                    columns[at] := refusal_column;
                    constraints[at] := refusal_constraint;
            END;
        END LOOP;
        first := first + few;
    END LOOP;

    UPDATE devices SET is_blocked = TRUE
    WHERE devices.id IN (
            SELECT id
            FROM unnest(device_ids, are_blocking, are_refused, holder_ids) AS of (id, is_blocking, is_refused, holder)
            WHERE is_blocking AND NOT is_refused AND holder IS NULL
        )
        AND NOT devices.is_blocked;

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
