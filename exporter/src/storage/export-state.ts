import type { Pool, PoolClient } from 'pg';
import { copyTextOut } from './copy-text.ts';
import { appliedMigrations, readMigrations } from './migrate.ts';
import type { AppliedMigration } from './migrate.ts';
import { existingDays } from './partitions.ts';
import { transaction } from './pool.ts';
import { END_OF_ROWS, endLine, headerLine, STATE_TABLES, TABLE_OF_DAYS, tableLine } from './state-file.ts';
import type { Progress } from './state-file.ts';
import { StorageError } from './storage-error.ts';

/** As `state-file.ts` tells it, whatever the server's own settings are. */
const READING = `SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL bytea_output = 'hex';
  SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL extra_float_digits = 1`;

/**
 * The bytes of a file, all of one snapshot; never more than a megabyte of rows in memory, or one row.
 *
 * Throws StorageError EXPORT_SCHEMA when the database is not at the newest migration of `folder`.
 */
export async function exportState(
  pool: Pool,
  folder: string,
  nowMs: number,
  write: (piece: string | Buffer) => Promise<void>,
  onProgress: Progress,
): Promise<Readonly<Record<string, number>>> {
  const schema = await currentSchema(pool, folder);
  return transaction(
    pool,
    async (client) => {
      await client.query(READING);
      await write(
        headerLine({
          schema,
          exportedAt: new Date(nowMs).toISOString(),
          newestPrediction: await newestPrediction(client),
        }),
      );
      const rows: Record<string, number> = {};
      for (const table of STATE_TABLES) rows[table] = await exportTable(client, table, write, onProgress);
      await write(endLine(rows));
      return rows;
    },
    { isolation: 'repeatable read', readOnly: true },
  );
}

async function currentSchema(pool: Pool, folder: string): Promise<AppliedMigration> {
  const newest = (await readMigrations(folder)).at(-1)!;
  const last = (await appliedMigrations(pool)).at(-1);
  if (last?.number !== newest.number)
    throw new StorageError(
      'EXPORT_SCHEMA',
      last === undefined
        ? 'The database is not one of model-health-exporter: there is nothing to export.'
        : `The database has the schema ${last.name}, this version ${newest.name}: export with the version that runs on it.`,
    );
  const { number, name, sha256 } = newest;
  return { number, name, sha256 };
}

/** By the rows that are there, and by the counters where they are gone. */
async function newestPrediction(client: PoolClient): Promise<string | null> {
  const { rows } = await client.query<{ newest: Date | null }>(
    `SELECT greatest((SELECT max(ts) FROM predictions),
       (SELECT to_timestamp(max((payload ->> 'lastPredictionMs')::float8) / 1000) FROM statistics_total)) AS newest`,
  );
  return rows[0]!.newest?.toISOString() ?? null;
}

async function exportTable(
  client: PoolClient,
  table: (typeof STATE_TABLES)[number],
  write: (piece: string | Buffer) => Promise<void>,
  onProgress: Progress,
): Promise<number> {
  const columns = await columnsOf(client, table);
  const days = table === TABLE_OF_DAYS ? { days: await existingDays(client, table) } : {};
  await write(tableLine({ table, columns, ...days }));
  // Copies of baselines come after their source.
  const order = table === 'baselines' ? ' ORDER BY id' : '';
  const rows = await copyTextOut(
    client,
    `SELECT ${columns.join(', ')} FROM ${table}${order}`,
    async (piece, rowsSoFar) => {
      await write(piece);
      onProgress(table, rowsSoFar);
    },
  );
  await write(END_OF_ROWS);
  return rows;
}

async function columnsOf(client: PoolClient, table: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`,
    [table],
  );
  return rows.map(({ name }) => name);
}
