import type { Pool, PoolClient } from 'pg';
import { copyTextIn } from './copy-text.ts';
import { DayPartitions } from './day-partitions.ts';
import { EVALUATION_INDEXES } from './evaluation-store.ts';
import { appliedMigrations, migrate, readMigrations } from './migrate.ts';
import type { AppliedMigration } from './migrate.ts';
import { transaction } from './pool.ts';
import { RAW_TABLES, STATE_TABLES, StateReader, TABLE_OF_DAYS } from './state-file.ts';
import type { Progress, TableHeader } from './state-file.ts';
import { errorCode, errorMessage, StorageError } from './storage-error.ts';

/** A new database has a row in these. */
const SEEDED: readonly string[] = ['scheme_epoch', 'leases'];
const NEWLINE = 0x0a;

/**
 * Stores what a file says, all or nothing, in a database without rows. The schema is brought to that of the file, and after the rows to
 * ours, so that an older file is migrated as its database would have been.
 *
 * Throws StorageError: IMPORT_FILE (not such a file, cut off), IMPORT_NEWER (of a newer version), IMPORT_SCHEMA (the database is at
 * another schema), IMPORT_NOT_EMPTY.
 */
export async function importState(
  pool: Pool,
  folder: string,
  pieces: AsyncIterable<Buffer>,
  onProgress: Progress,
): Promise<Readonly<Record<string, number>>> {
  const reader = new StateReader(pieces);
  try {
    return await importFrom(pool, folder, reader, onProgress);
  } finally {
    await reader.close();
  }
}

async function importFrom(
  pool: Pool,
  folder: string,
  reader: StateReader,
  onProgress: Progress,
): Promise<Readonly<Record<string, number>>> {
  const { schema, newestPrediction } = await reader.header();
  await prepareSchema(pool, folder, schema);
  const days = new DayPartitions(pool, TABLE_OF_DAYS, EVALUATION_INDEXES);
  const rows = await transaction(pool, async (client) => {
    await client.query('SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0');
    await requireEmpty(client);
    for (const table of SEEDED) await client.query(`DELETE FROM ${table}`);
    const imported = await importTables(client, reader, days, onProgress);
    // Fencing tokens of the rows are those of the lease, which nobody holds.
    await client.query("UPDATE leases SET holder = '', expires_at = clock_timestamp()");
    await advanceIdentities(client);
    if ('partition_floors' in imported) await raiseFloor(client, newestPrediction);
    return imported;
  });
  await migrate(pool, folder);
  await raiseFloor(pool, newestPrediction);
  return rows;
}

async function prepareSchema(pool: Pool, folder: string, schema: AppliedMigration): Promise<void> {
  const ours = await readMigrations(folder);
  const same = ours.find(({ number }) => number === schema.number);
  if (same === undefined)
    throw new StorageError(
      'IMPORT_NEWER',
      `The file has the schema ${schema.name}, this version knows none beyond ${ours.at(-1)!.name}: import it with the version that wrote it or a newer one.`,
    );
  if (same.sha256 !== schema.sha256)
    throw new StorageError(
      'IMPORT_SCHEMA',
      `The file was written by a build whose migration ${schema.name} is not ours.`,
    );
  const last = (await appliedMigrations(pool)).at(-1);
  if (last !== undefined && last.number > schema.number)
    throw new StorageError(
      'IMPORT_SCHEMA',
      `The database has the schema ${last.name} already, the file ${schema.name}: import it into a new database, on which no exporter was started yet.`,
    );
  await migrate(pool, folder, schema.number);
}

async function requireEmpty(client: PoolClient): Promise<void> {
  for (const table of [...RAW_TABLES, ...(await existing(client))]) {
    if (SEEDED.includes(table)) continue;
    const { rows } = await client.query(`SELECT FROM ${table} LIMIT 1`);
    if (rows.length > 0)
      throw new StorageError(
        'IMPORT_NOT_EMPTY',
        `The database is not empty: ${table} has rows. Import into a new one; nothing was changed.`,
      );
  }
}

/** An older schema has fewer tables. */
async function existing(client: PoolClient): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL',
    [[...STATE_TABLES]],
  );
  return rows.map(({ name }) => name);
}

async function importTables(
  client: PoolClient,
  reader: StateReader,
  days: DayPartitions,
  onProgress: Progress,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = Object.fromEntries((await existing(client)).map((table) => [table, 0]));
  for (;;) {
    const next = await reader.table(counts);
    if (next === null) return counts;
    if (!Object.hasOwn(counts, next.table))
      throw new StorageError(
        'IMPORT_FILE',
        `The file has rows of an unknown table, ${next.table}; nothing was imported.`,
      );
    if (next.days !== undefined) await days.ensure(next.days);
    counts[next.table]! += await importTable(client, next, reader.rows(), onProgress);
  }
}

async function importTable(
  client: PoolClient,
  { table, columns }: TableHeader,
  rows: AsyncIterable<Buffer>,
  onProgress: Progress,
): Promise<number> {
  try {
    // The names are those of our tables, and of nothing but letters (StateReader).
    return await copyTextIn(
      client,
      `${table} (${columns.join(', ')})`,
      told(rows, (count) => onProgress(table, count)),
    );
  } catch (error) {
    // Data and constraint errors, and columns that are not there, are the file's.
    if (!/^(2[23]|42703)/.test(errorCode(error) ?? '')) throw error;
    throw new StorageError(
      'IMPORT_FILE',
      `The file is damaged: rows of ${table} do not fit (${errorMessage(error)}); nothing was imported.`,
      error,
    );
  }
}

/** Counts the rows that pass. */
async function* told(pieces: AsyncIterable<Buffer>, onRows: (count: number) => void): AsyncGenerator<Buffer> {
  let rows = 0;
  for await (const piece of pieces) {
    for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, at + 1)) rows++;
    onRows(rows);
    yield piece;
  }
}

/** The next id of every table is beyond those that came. */
async function advanceIdentities(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ name: string; id: string }>(
    "SELECT table_name AS name, column_name AS id FROM information_schema.columns WHERE is_identity = 'YES' AND table_schema = current_schema()",
  );
  for (const { name, id } of rows)
    await client.query(
      `SELECT setval(pg_get_serial_sequence('${name}', '${id}'), max(${id})) FROM ${name} HAVING max(${id}) IS NOT NULL`,
    );
}

/** Without the raw rows a prediction that is sent again could not be known: what may have been counted is refused. */
async function raiseFloor(client: Pool | PoolClient, newest: string | null): Promise<void> {
  if (newest === null) return;
  await client.query(
    `INSERT INTO partition_floors AS f (parent, floor) VALUES ('predictions', $1::timestamptz + interval '1 millisecond')
     ON CONFLICT (parent) DO UPDATE SET floor = greatest(f.floor, excluded.floor)`,
    [newest],
  );
}
