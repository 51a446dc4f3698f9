-- Those of the extensions that are neither installed nor there to be installed.
SELECT needed AS "name!"
FROM unnest($1::text[]) AS needed
WHERE NOT EXISTS (SELECT FROM pg_extension WHERE extname = needed)
    AND NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = needed)
ORDER BY needed
