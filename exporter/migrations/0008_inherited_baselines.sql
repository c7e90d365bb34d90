-- A version without a baseline of its own has a copy of the newest one of its model, under its own columns: the baseline it is a copy of.
alter table baselines add column inherited_from int references baselines on delete set null;
create index baselines_by_source on baselines (inherited_from) where inherited_from is not null;
