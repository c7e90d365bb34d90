-- Models and what is known of them. A model or version that changes bumps changed_epoch to the current scheme epoch, so that
-- every writer that notices the new epoch re-reads exactly those.
create table scheme_epoch (
  only_row boolean primary key default true check (only_row),
  epoch bigint not null
);
insert into scheme_epoch (epoch) values (1);

create table models (
  id int generated always as identity primary key,
  name text not null unique,
  task text not null default 'unknown' check (task in ('unknown', 'binary', 'multiclass', 'regression')),
  positive_class text,
  -- Dictionaries are append-only: a class code or an error code never changes its meaning.
  classes text[] not null default '{}',
  error_reasons text[] not null default '{}',
  declared jsonb not null default '{}',
  changed_epoch bigint not null,
  created_at timestamptz not null
);

create table model_versions (
  id int generated always as identity primary key,
  model_id int not null references models on delete cascade,
  version text not null,
  -- The scheme under which new predictions are counted; its baseline, when it has one.
  scheme_id int,
  baseline_id int,
  changed_epoch bigint not null,
  created_at timestamptz not null,
  unique (model_id, version)
);

-- Immutable; a new set for every feature that joins. Names are in order of registration, which is the order of columns.
create table feature_sets (
  id int generated always as identity primary key,
  version_id int not null references model_versions on delete cascade,
  names text[] not null,
  num_names text[] not null,
  cat_names text[] not null,
  unique (version_id, names)
);

create table bin_schemes (
  id int generated always as identity primary key,
  version_id int not null references model_versions on delete cascade,
  payload jsonb not null,
  created_at timestamptz not null
);

create table baselines (
  id int generated always as identity primary key,
  version_id int not null references model_versions on delete cascade,
  scheme_id int not null references bin_schemes,
  kind text not null check (kind in ('reference', 'captured', 'rolling', 'seasonal')),
  made_at timestamptz not null,
  -- Rows of a captured baseline lie in [captured_from, captured_to).
  captured_from timestamptz,
  captured_to timestamptz,
  row_count bigint not null,
  labelled_count bigint not null,
  description jsonb not null,
  -- Counts of the baseline under its own scheme, in the layout of a time bucket.
  payload bytea not null
);
create index baselines_by_version on baselines (version_id, made_at desc);

-- A switch of schemes leaves the stored window to be counted again under the new one; the row goes with the transaction that does.
create table recounts (
  scheme_id int primary key references bin_schemes on delete cascade,
  version_id int not null references model_versions on delete cascade,
  from_ts timestamptz not null
);

-- Raw predictions, partitioned by UTC day. A unique constraint on the parent would have to contain ts, so every leaf has its own:
-- UNIQUE (pid, model_id) makes a retry a duplicate, INDEX (model_id, ts) serves recounts, captures and exports.
-- No foreign keys: they would cost a look-up per row; deletion of a model removes its rows by (model_id, ts).
create table predictions (
  model_id int not null,
  version_id int not null,
  feature_set_id int not null,
  ts timestamptz not null,
  pid uuid not null,
  pid_text text,
  prediction float8,
  class text,
  score float8,
  scores float8[],
  latency_ms float8,
  error_type text,
  segment jsonb,
  num float8[] not null,
  cat text[] not null,
  invalid int2[]
) partition by range (ts);

create table ground_truth (
  pid uuid not null,
  model_id int not null,
  value float8,
  label text,
  label_ts timestamptz not null,
  received_at timestamptz not null,
  prediction_ts timestamptz,
  joined_at timestamptz,
  -- What the statistics hold for this label now: a correction takes it out before it adds the new one.
  counted_value float8,
  counted_label text,
  primary key (pid, model_id)
);
-- Labels that wait for their prediction, newest first for the sweep of each tick.
create index ground_truth_waiting on ground_truth (received_at) where joined_at is null;
create index ground_truth_by_model on ground_truth (model_id);

-- One row a commit, written in the transaction that stored the rows it counts.
create table statistics_delta (
  id bigint generated always as identity primary key,
  -- A re-bin counts stored rows again under a new scheme: windows want it, totals must not count it twice.
  recount boolean not null default false,
  payload bytea not null
);

create table statistics_bucket (
  version_id int not null,
  scheme_id int not null,
  -- Minutes since the epoch, and length in minutes.
  bucket_start int not null,
  bucket_minutes smallint not null,
  fence bigint not null,
  payload bytea not null,
  primary key (version_id, scheme_id, bucket_start, bucket_minutes)
);
create index statistics_bucket_by_time on statistics_bucket (bucket_start);

-- Totals since the model was first seen, for counters that survive restarts and retention. version_id 0 with the model's id: labels
-- that found no prediction, whose version nobody knows.
create table statistics_total (
  model_id int not null,
  version_id int not null,
  fence bigint not null,
  payload jsonb not null,
  primary key (model_id, version_id)
);

create table evaluations (
  model_id int not null,
  version_id int not null,
  evaluated_at timestamptz not null,
  health_score float8,
  severity text not null,
  report jsonb not null
) partition by range (evaluated_at);

create table leases (
  name text primary key,
  holder text not null,
  token bigint not null,
  expires_at timestamptz not null
);

-- Every statistics-writing transaction calls this first. The shared lock keeps a baseline switch out until the writer has committed;
-- the comparison catches a switch that came before. A statement of a volatile function sees what was committed before it began,
-- so the read after the lock sees the switch that held the lock.
create function assert_scheme_epoch(expected bigint) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(20611, 1);
  if (select epoch from scheme_epoch) <> expected then
    raise exception 'the scheme epoch is no longer %', expected using errcode = 'MH001';
  end if;
end
$$;

-- Used by the fold: all parts of one statement must have matched, else it fails whole.
create function require(condition boolean, message text) returns boolean language plpgsql immutable as $$
begin
  if condition is not true then
    raise exception '%', message using errcode = 'MH002';
  end if;
  return true;
end
$$;
