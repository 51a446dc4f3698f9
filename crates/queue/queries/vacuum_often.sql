-- Every job is written twice and deleted: vacuumed by the count of dead rows, not by their share of a table that may be
-- large. Autovacuum looks once a minute.
ALTER TABLE apalis.jobs SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
)
