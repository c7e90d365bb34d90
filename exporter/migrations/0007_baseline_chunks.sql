-- A baseline in equal parts, in the order of its rows: how far parts of one and the same distribution lie apart is what
-- self-calibrated thresholds are made of. Only for models that ask for them.
create table baseline_chunks (
  baseline_id int not null references baselines on delete cascade,
  position int not null,
  payload bytea not null,
  primary key (baseline_id, position)
);
