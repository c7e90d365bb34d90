-- Figures of the business that models serve, for the weekly reports; kept as long as their model.
create table business_metrics (
  id int generated always as identity primary key,
  model_id int not null references models on delete cascade,
  name text not null,
  unique (model_id, name)
);

create table business_values (
  metric_id int not null references business_metrics on delete cascade,
  at timestamptz not null,
  value float8 not null,
  primary key (metric_id, at)
);

-- The comprehensive check of each week, which outlives the statistics that it was made of. While labels may still come it is made again;
-- the columns beside the report are what business figures are correlated with.
create table weekly_reports (
  model_id int not null references models on delete cascade,
  -- Monday 00:00 UTC.
  week_start timestamptz not null,
  -- Bins under which the busiest version was counted, and how many predictions were.
  scheme_id int,
  counted bigint not null,
  health_score float8,
  performance float8,
  drift float8,
  report jsonb not null,
  -- When it was last looked at whether it should be made again.
  checked_at timestamptz not null,
  primary key (model_id, week_start)
);
