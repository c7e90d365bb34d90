-- What rows are counted as under a scheme, beside its bins: task, positive class, length of the time buckets, segment keys. It never
-- changes, so that what was counted can be taken out again; other settings make another scheme. Null: from before this was kept.
alter table bin_schemes add column counting jsonb;
create index bin_schemes_by_version on bin_schemes (version_id, id);
