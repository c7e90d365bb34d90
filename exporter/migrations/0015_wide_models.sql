-- The names of some two hundred features do not fit into a row of an index (2,704 bytes): a wide model could not be registered. A version's
-- set only ever grows, under the lock of its model's row, so its number of names tells it from the others; the largest is found by it, too.
alter table feature_sets drop constraint feature_sets_version_id_names_key;
create unique index feature_sets_version_id_size on feature_sets (version_id, cardinality(names));
