-- Jobs of retraining. created_at and finished_at are of the models' clock, which may be virtual; leases and run_after are real time.
create table retraining_jobs (
  id uuid primary key,
  model_id int not null references models on delete cascade,
  state text not null check (state in ('queued', 'preparing', 'training', 'validating', 'awaiting_approval', 'rolling_out', 'monitoring',
    'succeeded', 'rejected', 'failed', 'cancelled', 'rolled_back')),
  trigger text not null check (trigger in ('manual', 'schedule', 'alert')),
  requested_by text not null,
  reasons jsonb not null,
  -- The champion when the job was asked for: version, whether it is degraded, its baseline's figures.
  champion jsonb not null,
  shadow boolean not null,
  paused boolean not null default false,
  cancelled_by text,
  attempt int not null default 0,
  -- What the phases found; each phase and each decision of a person has a key of its own.
  facts jsonb not null default '{}',
  fence bigint not null default 0,
  lease_until timestamptz,
  run_after timestamptz not null default clock_timestamp(),
  -- Raised by whatever a waiting job should look at: a callback or a decision that comes in during a step is not slept over.
  wakes int not null default 0,
  heartbeat_at timestamptz,
  -- SHA-256 of the bearer token that the trainer of this job calls back with; gone when the job has ended.
  token_hash bytea,
  created_at timestamptz not null,
  finished_at timestamptz,
  check ((finished_at is null) = (state in ('queued', 'preparing', 'training', 'validating', 'awaiting_approval', 'rolling_out', 'monitoring')))
);
-- One job at a time for each model: of concurrent triggers one inserts, the others find its row.
create unique index retraining_jobs_active on retraining_jobs (model_id) where finished_at is null;
create index retraining_jobs_claimable on retraining_jobs (run_after) where finished_at is null;
create index retraining_jobs_by_model on retraining_jobs (model_id, created_at desc);

create table retraining_events (
  id bigint generated always as identity primary key,
  job_id uuid not null references retraining_jobs on delete cascade,
  at timestamptz not null,
  kind text not null,
  from_state text,
  to_state text,
  actor text not null,
  fence bigint not null,
  -- Id of the webhook that told it: kept as long as the job, so that a replay is known however late it comes.
  message_id text,
  detail jsonb not null default '{}'
);
create index retraining_events_by_job on retraining_events (job_id, id);
-- The states form no cycle: each is entered at most once, and the database says so.
create unique index retraining_events_entered on retraining_events (job_id, to_state) where to_state is not null;
create unique index retraining_events_message on retraining_events (job_id, message_id) where message_id is not null;

-- Snapshots as gzip in pieces of a megabyte, so that any replica can serve them; gone when the job has ended.
create table retraining_data (
  job_id uuid not null references retraining_jobs on delete cascade,
  part text not null check (part in ('train', 'test', 'holdout', 'truth', 'predictions')),
  piece int not null,
  bytes bytea not null,
  primary key (job_id, part, piece)
);

-- Every candidate that a job brought forth. Rows go only with their model.
create table model_registry (
  id bigint generated always as identity primary key,
  model_id int not null references models on delete cascade,
  version text not null,
  job_id uuid not null references retraining_jobs on delete cascade,
  uri text not null,
  sha256 text,
  framework text,
  metrics jsonb not null,
  -- Of the embedded trainer: the model itself, as gzip.
  artefact bytea,
  stage text not null check (stage in ('candidate', 'champion', 'retired', 'rejected', 'rolled_back')),
  trained_at timestamptz not null,
  promoted_at timestamptz,
  unique (model_id, version)
);

-- The last look at a model's triggers, so that a restart does not look again.
create table retraining_checks (
  model_id int primary key references models on delete cascade,
  checked_at timestamptz not null
);

-- New labelled predictions since a moment are counted for the triggers; the same index serves the deletion of a model.
create index ground_truth_by_prediction_time on ground_truth (model_id, prediction_ts);
drop index ground_truth_by_model;
