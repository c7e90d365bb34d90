-- Each fold writes the open hours of every version anew, a small part of a table that is large after some months: autovacuum's fifth of
-- all rows would be hundreds of folds. Measured, 60 folds of 1,000 of 100,000 buckets of 1.5 kB: the table grows by a fifth with the
-- defaults, by a tenth with these.
alter table statistics_bucket set (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 2000,
  toast.autovacuum_vacuum_scale_factor = 0.02,
  toast.autovacuum_vacuum_threshold = 4000
);
