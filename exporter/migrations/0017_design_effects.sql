-- How many rows of a baseline say as much as one independent one, by column (null: not known), within stretches as long as the windows
-- of the time it was made: [{"windowMs": 86400000, "byColumn": [1, null, 5.8]}]. Of baselines made before, nothing is known.
alter table baselines add column design_effects jsonb not null default '[]';
