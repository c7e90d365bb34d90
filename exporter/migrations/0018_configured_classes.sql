-- Of a model's classes those that have their code by the settings alone (a configured positive class, see bin_schemes.counting), until a
-- prediction, label or baseline names them. Of what there was before nothing is known.
alter table models add column only_configured text[] not null default '{}';
