-- The alert that asked for a check of the triggers, until the replica that evaluates has looked: whichever replica was told of it.
alter table retraining_checks add column alert text;
