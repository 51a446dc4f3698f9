SELECT place AS "place!", new_certificate_id, new_vehicle_id, holder_id, refusal_state, refusal_message, refusal_table,
       refusal_column, refusal_constraint
FROM certferry.write_in_turn(
    $1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::smallint[], $8::text[],
    $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::text[],
    $14::text[], $15::text[], $16::text[], $17::text[], $18::boolean[], $19::boolean[]
)
