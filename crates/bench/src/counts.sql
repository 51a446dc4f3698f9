SELECT count(*) FILTER (WHERE state = 'migrated'),
       count(*) FILTER (WHERE state = 'failed'),
       (SELECT count(*) FROM certificates)
FROM certferry.certificate_status
