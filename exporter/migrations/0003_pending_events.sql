-- Halves of request/response pairs, from senders that log the two apart. A half is acknowledged when it is here; a pair leaves when its
-- predictions are committed, so a crash in between makes it anew, under the same ids.
create table pending_events (
  source text not null,
  key text not null,
  side text not null check (side in ('request', 'response')),
  received_at timestamptz not null,
  payload text not null,
  primary key (key, source, side)
);
-- For those that wait too long.
create index pending_events_by_time on pending_events (received_at);

-- What the columns of a sender's records are for, where its events say so only now and then.
create table sender_roles (
  sender text primary key,
  roles jsonb not null
);
