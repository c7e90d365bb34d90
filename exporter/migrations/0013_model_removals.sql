-- Models that were deleted a moment ago: what a crash left of their rows, or another replica wrote as it learnt of it, is deleted again.
create table model_removals (
  model_id int primary key,
  version_ids int[] not null,
  removed_at timestamptz not null
);
