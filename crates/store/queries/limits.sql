SELECT table_name::text AS "table_name!", column_name::text AS "column_name!", character_maximum_length::integer AS "length!"
FROM information_schema.columns
WHERE table_schema = $1 AND table_name = ANY($2::text[]) AND character_maximum_length IS NOT NULL
