-- Days of a partitioned table before this were dropped to make room. They are not made again: without its first copy a row that is sent
-- once more would no longer be known as a duplicate, and be counted twice.
create table partition_floors (
  parent text primary key,
  floor timestamptz not null
);

-- Hours that are old enough become days, oldest first; days are passed over.
create index statistics_bucket_unmerged on statistics_bucket (bucket_start) where bucket_minutes < 1440;
