SELECT table_name::text AS "table_name!", column_name::text AS "column_name!"
FROM information_schema.columns
WHERE table_schema = $1
