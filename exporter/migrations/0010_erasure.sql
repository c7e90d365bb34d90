-- A delta that takes out of the windows what an erased prediction had added; counters never fall, so totals keep it.
alter table statistics_delta add column erased boolean not null default false;
-- Rows from this time on are counted under the scheme; older ones kept the one that they were counted under. Null: all of them.
alter table bin_schemes add column counted_from timestamptz;
