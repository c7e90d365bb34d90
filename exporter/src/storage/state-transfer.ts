import type { Pool, PoolClient } from 'pg';
import { DAY_MS } from '../histogram/time-bucket.ts';
import { DayPartitions } from './day-partitions.ts';
import { EVALUATION_INDEXES } from './evaluation-store.ts';
import { migrate, readMigrations } from './migrate.ts';
import type { MigrationFile } from './migrate.ts';
import { PATIENT, transaction } from './pool.ts';
import { errorCode, errorMessage, StorageError } from './storage-error.ts';

/**
 * Everything but raw rows, in an order that foreign keys allow. A file of it is lines of JSON:
 *
 *   {"format":"model-health","version":1,"schema":{...},"exportedAt":...,"newestPrediction":...}
 *   {"table":"models","row":{...}}          as PostgreSQL's row_to_json has it: bytea in hexadecimal, every digit of a float8
 *   {"end":true,"rows":{"models":2,...}}
 */
export const STATE_TABLES = [
  'scheme_epoch',
  'leases',
  'partition_floors',
  'models',
  'model_versions',
  'feature_sets',
  'segments',
  'bin_schemes',
  'baselines',
  'baseline_segments',
  'baseline_chunks',
  'statistics_delta',
  'statistics_bucket',
  'statistics_total',
  'evaluations',
  'sender_roles',
  'pending_events',
  'alerts',
  'alert_notifications',
  'alert_verdicts',
  'audit_log',
  'retraining_jobs',
  'retraining_events',
  'retraining_data',
  'model_registry',
  'retraining_checks',
  'model_removals',
  'business_metrics',
  'business_values',
  'weekly_reports',
] as const;
/** Raw rows, and what only means something beside them: a recount under way. */
export const RAW_TABLES = ['predictions', 'ground_truth', 'recounts'] as const;
/** A new database has a row in these. */
const SEEDED: readonly string[] = ['scheme_epoch', 'leases'];

const FORMAT = 'model-health';
const VERSION = 1;
const FETCH_ROWS = 500;
const INSERT_ROWS = 500;
const INSERT_CHARACTERS = 8 * 2 ** 20;

interface Header {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly schema: Pick<MigrationFile, 'number' | 'name' | 'sha256'>;
  readonly exportedAt: string;
  /** Predictions up to this time may have been counted. */
  readonly newestPrediction: string | null;
}

export type Progress = (table: string, rows: number) => void;

/**
 * The lines of a file, all of one snapshot; never more than some hundred rows in memory.
 *
 * Throws StorageError EXPORT_SCHEMA when the database is not at the newest migration of `folder`.
 */
export async function exportState(
  pool: Pool,
  folder: string,
  nowMs: number,
  write: (line: string) => Promise<void>,
  onProgress: Progress,
): Promise<Readonly<Record<string, number>>> {
  const schema = await currentSchema(pool, folder);
  return transaction(
    pool,
    async (client) => {
      await client.query(
        "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL bytea_output = 'hex'; SET LOCAL TimeZone = 'UTC'",
      );
      const header: Header = {
        format: FORMAT,
        version: VERSION,
        schema,
        exportedAt: new Date(nowMs).toISOString(),
        newestPrediction: await newestPrediction(client),
      };
      await write(JSON.stringify(header));
      const rows: Record<string, number> = {};
      for (const table of STATE_TABLES) rows[table] = await exportTable(client, table, write, onProgress);
      await write(JSON.stringify({ end: true, rows }));
      return rows;
    },
    { isolation: 'repeatable read', readOnly: true },
  );
}

/**
 * Stores the lines of a file, all or none, in a database without rows. The schema is brought to that of the file, and after the rows to
 * ours, so that an older file is migrated as its database would have been.
 *
 * Throws StorageError: IMPORT_FILE (not such a file, cut off), IMPORT_NEWER (of a newer version), IMPORT_SCHEMA (the database is at
 * another schema), IMPORT_NOT_EMPTY.
 */
export async function importState(
  pool: Pool,
  folder: string,
  lines: AsyncIterable<string>,
  onProgress: Progress,
): Promise<Readonly<Record<string, number>>> {
  const reader = lines[Symbol.asyncIterator]();
  try {
    return await importFrom(pool, folder, reader, onProgress);
  } finally {
    await reader.return?.();
  }
}

async function importFrom(
  pool: Pool,
  folder: string,
  reader: AsyncIterator<string>,
  onProgress: Progress,
): Promise<Readonly<Record<string, number>>> {
  const header = readHeader(await reader.next());
  await prepareSchema(pool, folder, header);
  const days = new DayPartitions(pool, 'evaluations', EVALUATION_INDEXES);
  const rows = await transaction(pool, async (client) => {
    await client.query('SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0');
    await requireEmpty(client);
    for (const table of SEEDED) await client.query(`DELETE FROM ${table}`);
    const imported = await importRows(client, reader, days, onProgress);
    // Fencing tokens of the rows are those of the lease, which nobody holds.
    await client.query("UPDATE leases SET holder = '', expires_at = clock_timestamp()");
    await advanceIdentities(client);
    if ('partition_floors' in imported) await raiseFloor(client, header.newestPrediction);
    return imported;
  });
  await migrate(pool, folder);
  await raiseFloor(pool, header.newestPrediction);
  return rows;
}

async function currentSchema(pool: Pool, folder: string): Promise<Header['schema']> {
  const newest = (await readMigrations(folder)).at(-1)!;
  const stored = await ledger(pool);
  const last = stored.at(-1);
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

async function ledger(client: Pool | PoolClient): Promise<readonly { number: number; name: string }[]> {
  const exists = await client.query<{ ledger: string | null }>("SELECT to_regclass('schema_migrations') AS ledger");
  if (exists.rows[0]!.ledger === null) return [];
  const { rows } = await client.query<{ number: number; name: string }>(
    'SELECT number, name FROM schema_migrations ORDER BY number',
  );
  return rows;
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
  write: (line: string) => Promise<void>,
  onProgress: Progress,
): Promise<number> {
  // Copies of baselines come after their source.
  const order = table === 'baselines' ? ' ORDER BY id' : '';
  await client.query(
    `DECLARE exported NO SCROLL CURSOR FOR SELECT row_to_json(t)::text AS row FROM ${table} t${order}`,
  );
  let count = 0;
  for (;;) {
    const { rows } = await client.query<{ row: string }>({ text: `FETCH ${FETCH_ROWS} FROM exported`, ...PATIENT });
    if (rows.length === 0) break;
    for (const { row } of rows) await write(`${prefixOf(table)}${row}}`);
    onProgress(table, (count += rows.length));
  }
  await client.query('CLOSE exported');
  return count;
}

function prefixOf(table: string): string {
  return `{"table":"${table}","row":`;
}

function readHeader({ value, done }: IteratorResult<string, unknown>): Header {
  let header: Partial<Header> = {};
  try {
    if (done !== true) header = JSON.parse(value) as Partial<Header>;
  } catch {
    // Told below.
  }
  if (header.format !== FORMAT || header.schema === undefined)
    throw new StorageError('IMPORT_FILE', 'This is not a file that `model-health-exporter export` wrote.');
  if (header.version !== VERSION)
    throw new StorageError(
      'IMPORT_NEWER',
      `The file has the format ${header.version}, this version knows ${VERSION}: import it with a newer version.`,
    );
  return header as Header;
}

async function prepareSchema(pool: Pool, folder: string, { schema }: Header): Promise<void> {
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
  const last = (await ledger(pool)).at(-1);
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

async function importRows(
  client: PoolClient,
  reader: AsyncIterator<string>,
  days: DayPartitions,
  onProgress: Progress,
): Promise<Readonly<Record<string, number>>> {
  const tables = new Set(await existing(client));
  const counts: Record<string, number> = Object.fromEntries([...tables].map((table) => [table, 0]));
  let batch: string[] = [];
  let characters = 0;
  let of = '';
  const store = async () => {
    if (batch.length === 0) return;
    if (of === 'evaluations') await days.ensure(daysOf(batch));
    await insert(client, of, batch);
    onProgress(of, (counts[of] = counts[of]! + batch.length));
    batch = [];
    characters = 0;
  };
  for (;;) {
    const next = await reader.next();
    if (next.done === true) throw new StorageError('IMPORT_FILE', 'The file is cut off; nothing was imported.');
    const line = next.value;
    const table = /^\{"table":"([a-z_]+)","row":/.exec(line)?.[1];
    if (table === undefined) {
      await store();
      requireEnd(line, counts);
      return counts;
    }
    if (!tables.has(table))
      throw new StorageError('IMPORT_FILE', `The file has rows of an unknown table, ${table}; nothing was imported.`);
    if (table !== of || batch.length >= INSERT_ROWS || characters > INSERT_CHARACTERS) await store();
    of = table;
    const row = line.slice(prefixOf(table).length, -1);
    batch.push(row);
    characters += row.length;
  }
}

async function insert(client: PoolClient, table: string, rows: readonly string[]): Promise<void> {
  try {
    await client.query({
      text: `INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::${table}, $1::json)`,
      values: [`[${rows.join(',')}]`],
      ...PATIENT,
    });
  } catch (error) {
    // Data and constraint errors are the file's.
    if (!/^2[23]/.test(errorCode(error) ?? '')) throw error;
    throw new StorageError(
      'IMPORT_FILE',
      `The file is damaged: rows of ${table} do not fit (${errorMessage(error)}); nothing was imported.`,
      error,
    );
  }
}

function daysOf(rows: readonly string[]): number[] {
  const times = rows.map((row) => Date.parse((JSON.parse(row) as { evaluated_at: string }).evaluated_at));
  return [...new Set(times.map((time) => Math.floor(time / DAY_MS) * DAY_MS))];
}

function requireEnd(line: string, counts: Readonly<Record<string, number>>): void {
  let end: { readonly end?: boolean; readonly rows?: Readonly<Record<string, number>> } = {};
  try {
    end = JSON.parse(line) as typeof end;
  } catch {
    // Told below.
  }
  const wanted = Object.entries(end.rows ?? {});
  if (end.end !== true || wanted.some(([table, rows]) => (counts[table] ?? 0) !== rows))
    throw new StorageError('IMPORT_FILE', 'The file is cut off or damaged; nothing was imported.');
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
