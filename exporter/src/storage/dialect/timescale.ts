import type { Dialect } from './dialect.ts';

/**
 * TimescaleDB: predictions as a hypertable of daily chunks, which the extension makes and drops. Its unique index must contain the time:
 * an id is known as a duplicate at the same time only, as a retry sends it.
 *
 * Never run against a server.
 */
export const timescale: Dialect = {
  name: 'timescale',
  layOut: [
    'CREATE EXTENSION IF NOT EXISTS timescaledb',
    // A partitioned table cannot become a hypertable: one of the same columns takes its name.
    'ALTER TABLE predictions RENAME TO predictions_partitioned',
    'CREATE TABLE predictions (LIKE predictions_partitioned INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)',
    "SELECT create_hypertable('predictions', by_range('ts', INTERVAL '1 day'), create_default_indexes => false)",
    'CREATE UNIQUE INDEX predictions_pid ON predictions (pid, model_id, ts)',
    'CREATE INDEX predictions_model_ts ON predictions (model_id, ts)',
    'DROP TABLE predictions_partitioned',
  ],
  isLaidOut:
    "SELECT EXISTS (SELECT FROM timescaledb_information.hypertables WHERE hypertable_name = 'predictions' AND hypertable_schema = current_schema()) AS done",
  makesDays: false,
  // A chunk is there or not: $2 says nothing of it.
  days: `SELECT to_char(range_start AT TIME ZONE 'UTC', 'YYYYMMDD') AS day FROM timescaledb_information.chunks
  WHERE hypertable_name = $1 AND hypertable_schema = current_schema() AND 'attached' = ANY ($2::text[]) ORDER BY day`,
  detach: () => {
    throw new Error('a chunk of TimescaleDB is dropped, never detached');
  },
  dropBefore: (parent) => `SELECT drop_chunks('${parent}', older_than => $1::timestamptz)`,
  sizes: `SELECT coalesce(sum(s.total_bytes), 0) AS bytes
  FROM unnest($2::text[]) WITH ORDINALITY AS u (day, position)
  LEFT JOIN timescaledb_information.chunks c ON c.hypertable_name = $1 AND c.hypertable_schema = current_schema()
    AND to_char(c.range_start AT TIME ZONE 'UTC', 'YYYYMMDD') = u.day
  LEFT JOIN chunks_detailed_size($1::regclass) s ON s.chunk_schema = c.chunk_schema AND s.chunk_name = c.chunk_name
  GROUP BY u.position ORDER BY u.position`,
  missing: [
    'a try of binary COPY, of retries through a temporary table and of labels on chunks',
    'an id is known as a duplicate at the same time only, as a retry sends it',
  ],
};
