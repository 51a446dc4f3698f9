-- What became of a certificate before, the oldest first; the latest of very many.
SELECT at AS "at!", run_id, outcome AS "outcome!", worker, reason, issues AS "issues!: Json<Vec<StoredIssue>>"
FROM (
    SELECT id, at, run_id, outcome, worker, reason, issues
    FROM certferry.history
    WHERE certificate_id = $1
    ORDER BY id DESC
    LIMIT $2
) AS latest
ORDER BY id
