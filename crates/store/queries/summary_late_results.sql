SELECT count(*) AS "count!" FROM certferry.late_result
