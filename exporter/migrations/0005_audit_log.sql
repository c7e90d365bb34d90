-- Who did what as admin. Append-only and kept for ever: rows are few and small.
create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  actor text not null,
  address text not null,
  method text not null,
  path text not null,
  status int not null
);
create index audit_log_by_time on audit_log (at);
