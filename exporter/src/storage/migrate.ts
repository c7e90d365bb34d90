import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Pool, PoolClient } from 'pg';
import { PATIENT, transaction } from './pool.ts';
import { errorCode, errorMessage, StorageError } from './storage-error.ts';

export interface MigrationReport {
  /** Names applied by this call, in order; those that another process applied meanwhile are not among them. */
  readonly applied: readonly string[];
  /** The newest migration of the database now; '' when the folder is empty. */
  readonly current: string;
}

/**
 * Brings the schema up to the files of `folder`: `NNNN_name.sql`, applied in the order of their numbers, forward only, one
 * transaction each. The SHA-256 of every applied file is kept in `schema_migrations` (line ends normalised to LF).
 *
 * Any number of processes may call it at once: each file is applied by one of them, and all return when the schema is current.
 *
 * @param through the number of the last one to apply
 *
 * Throws StorageError: MIGRATION_FOLDER_INVALID (names, doubled numbers), MIGRATION_CHANGED (an applied file differs now),
 * MIGRATION_OUT_OF_ORDER (a new file with a number below an applied one), MIGRATION_DATABASE_NEWER (the database has migrations
 * that the folder does not), MIGRATION_FAILED (the SQL failed: nothing of that file is applied; `cause` is the error).
 */
export async function migrate(pool: Pool, folder: string, through = Infinity): Promise<MigrationReport> {
  const files = (await readMigrations(folder)).filter(({ number }) => number <= through);
  await underLock(pool, createLedger);
  const applied: string[] = [];
  for (;;) {
    const name = await underLock(pool, (client) => applyNext(client, files));
    if (name === undefined) break;
    applied.push(name);
  }
  return { applied, current: files.at(-1)?.name ?? '' };
}

export interface MigrationFile {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

export type AppliedMigration = Pick<MigrationFile, 'number' | 'name' | 'sha256'>;

export async function readMigrations(folder: string): Promise<readonly MigrationFile[]> {
  let names: string[];
  try {
    names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  } catch (error) {
    throw new StorageError(
      'MIGRATION_FOLDER_INVALID',
      `Cannot read the folder of migrations ${folder}: ${errorMessage(error)}`,
      error,
    );
  }
  const files: MigrationFile[] = [];
  for (const name of names) {
    const match = /^(\d{4})_[a-z0-9_-]+\.sql$/.exec(name);
    if (match === null)
      throw new StorageError(
        'MIGRATION_FOLDER_INVALID',
        `${path.join(folder, name)}: a migration is named NNNN_name.sql`,
      );
    const number = Number(match[1]);
    if (files.at(-1)?.number === number) {
      throw new StorageError(
        'MIGRATION_FOLDER_INVALID',
        `Two migrations have the number ${match[1]!}: ${files.at(-1)!.name}.sql and ${name}`,
      );
    }
    const sql = (await readFile(path.join(folder, name), 'utf8')).replaceAll('\r\n', '\n');
    files.push({
      number,
      name: name.slice(0, -'.sql'.length),
      sql,
      sha256: createHash('sha256').update(sql).digest('hex'),
    });
  }
  return files;
}

/** One migrator at a time in this database; the lock goes with the transaction, so it cannot be left behind. */
async function underLock<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return transaction(pool, async (client) => {
    // A migration, or the wait for another process's, may take longer than a statement of the service.
    await client.query({
      text: `SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(hashtextextended('model-health migrations', 0))`,
      ...PATIENT,
    });
    return work(client);
  });
}

async function createLedger(client: PoolClient): Promise<void> {
  await client.query(
    `CREATE TABLE IF NOT EXISTS schema_migrations (
       number int PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`,
  );
}

/** What a database has, oldest first; nothing where nobody migrated it yet. */
export async function appliedMigrations(client: Pool | PoolClient): Promise<readonly AppliedMigration[]> {
  const exists = await client.query<{ ledger: string | null }>("SELECT to_regclass('schema_migrations') AS ledger");
  return exists.rows[0]!.ledger === null ? [] : readLedger(client);
}

async function readLedger(client: Pool | PoolClient): Promise<readonly AppliedMigration[]> {
  const { rows } = await client.query<AppliedMigration>(
    'SELECT number, name, sha256 FROM schema_migrations ORDER BY number',
  );
  return rows;
}

/** Applies the first file that the database lacks and returns its name; undefined when there is none. */
async function applyNext(client: PoolClient, files: readonly MigrationFile[]): Promise<string | undefined> {
  const applied = await readLedger(client);
  checkApplied(applied, files);
  const next = files[applied.length];
  if (next === undefined) return undefined;
  const before = await transactionId(client);
  try {
    await client.query({ text: next.sql, ...PATIENT });
  } catch (error) {
    throw new StorageError(
      'MIGRATION_FAILED',
      `Migration ${next.name} failed: ${errorMessage(error)}${where(error, next.sql)}`,
      error,
    );
  }
  if ((await transactionId(client)) !== before) {
    throw new StorageError(
      'MIGRATION_FAILED',
      `Migration ${next.name} ends the transaction that it runs in: leave out BEGIN, COMMIT and ROLLBACK`,
    );
  }
  await client.query('INSERT INTO schema_migrations (number, name, sha256) VALUES ($1, $2, $3)', [
    next.number,
    next.name,
    next.sha256,
  ]);
  return next.name;
}

/** What is applied must be exactly the first files of the folder. */
function checkApplied(
  applied: readonly { number: number; name: string; sha256: string }[],
  files: readonly MigrationFile[],
): void {
  const known = new Map(files.map((file) => [file.number, file]));
  for (const row of applied) {
    const file = known.get(row.number);
    if (file === undefined) {
      throw new StorageError(
        'MIGRATION_DATABASE_NEWER',
        `The database has migration ${row.name}, which this version does not know (its newest is ${files.at(-1)?.name ?? 'none'}): ` +
          'run the version that made it or a newer one; schemas do not go back.',
      );
    }
    if (file.sha256 !== row.sha256) {
      throw new StorageError(
        'MIGRATION_CHANGED',
        `Migration ${file.name} was changed after it had been applied as ${row.name} (SHA-256 ${row.sha256.slice(0, 12)}, now ${file.sha256.slice(0, 12)}): ` +
          'restore the file and put the change into a new migration.',
      );
    }
  }
  const newest = applied.at(-1)?.number ?? -1;
  const missed = files.find((file, index) => file.number < newest && applied[index]?.number !== file.number);
  if (missed !== undefined) {
    throw new StorageError(
      'MIGRATION_OUT_OF_ORDER',
      `Migration ${missed.name} comes before ${applied.at(-1)!.name}, which is applied already: give it a higher number.`,
    );
  }
}

async function transactionId(client: PoolClient): Promise<string> {
  const { rows } = await client.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id');
  return rows[0]!.id;
}

/** " (line 12)" from the character position that PostgreSQL reports. */
function where(error: unknown, sql: string): string {
  if (errorCode(error) === undefined || typeof error !== 'object' || error === null || !('position' in error))
    return '';
  const position = Number(error.position);
  return Number.isFinite(position) ? ` (line ${sql.slice(0, position).split('\n').length})` : '';
}
