-- Values of the configured keys of `segment`, per model. Append-only: an id never changes its meaning, so that statistics name it.
create table segments (
  id int generated always as identity primary key,
  model_id int not null references models on delete cascade,
  key text not null,
  value text not null,
  unique (model_id, key, value)
);

-- 0: all predictions of the version; else those of one segment.
alter table statistics_bucket add column segment_id int not null default 0;
alter table statistics_bucket drop constraint statistics_bucket_pkey;
alter table statistics_bucket add primary key (version_id, scheme_id, segment_id, bucket_start, bucket_minutes);

-- What a segment is compared with: its own rows of the baseline.
create table baseline_segments (
  baseline_id int not null references baselines on delete cascade,
  segment_id int not null references segments on delete cascade,
  payload bytea not null,
  primary key (baseline_id, segment_id)
);
