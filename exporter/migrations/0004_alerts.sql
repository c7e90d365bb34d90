-- What Alertmanager told, for ever. An incident is (fingerprint, starts_at): Prometheus keeps the start while an alert goes on, and
-- gives a new one when it fires again.
create table alerts (
  id bigint generated always as identity primary key,
  fingerprint text not null,
  starts_at timestamptz not null,
  ends_at timestamptz,
  status text not null check (status in ('firing', 'resolved')),
  alertname text not null,
  -- high, medium, low or what else the rule says; critical, warning and info are stored as high, medium and low.
  severity text not null,
  model text not null,
  version text not null,
  check_name text not null,
  labels jsonb not null,
  annotations jsonb not null,
  generator_url text not null,
  -- 'silenced' or 'inhibited' when nobody was told.
  suppressed text check (suppressed in ('silenced', 'inhibited')),
  received_at timestamptz not null,
  -- When Alertmanager last spoke of it.
  seen_at timestamptz not null,
  acknowledged_at timestamptz,
  acknowledged_by text,
  acknowledge_note text,
  unique (fingerprint, starts_at)
);
-- Lists are newest first, with (starts_at, id) as the cursor; the second serves a model's own list, timeline and effectiveness.
create index alerts_by_start on alerts (starts_at desc, id desc);
create index alerts_by_model on alerts (model, starts_at desc, id desc);
create index alerts_firing on alerts (seen_at) where status = 'firing';

-- The key makes a notification that is delivered twice one.
create table alert_notifications (
  alert_id bigint not null references alerts on delete cascade,
  status text not null,
  receiver text not null,
  received_at timestamptz not null,
  primary key (alert_id, status)
);

-- Every verdict that was ever given; the newest of a person counts, else the newest by labels.
create table alert_verdicts (
  id bigint generated always as identity primary key,
  alert_id bigint not null references alerts on delete cascade,
  verdict text not null check (verdict in ('true', 'false', 'benign', 'duplicate', 'unactionable')),
  source text not null check (source in ('person', 'labels')),
  decided_by text not null,
  note text not null,
  decided_at timestamptz not null
);
create index alert_verdicts_by_alert on alert_verdicts (alert_id, id desc);
