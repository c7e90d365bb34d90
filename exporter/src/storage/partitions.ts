import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { Dialect } from './dialect/dialect.ts';
import { plain } from './dialect/plain.ts';
import { transaction, withClient } from './pool.ts';
import { errorCode, StorageError } from './storage-error.ts';

const dayMs = 86_400_000;
/** Short, because whoever waits for a lock makes all later comers wait behind it. */
const lockTimeout = '2s';
const attempts = 8;

/**
 * Makes sure that `parent` (PARTITION BY RANGE over a timestamptz) has the partition of the UTC day that begins at `dayStartMs`.
 * True when this call created it. Safe to call from any number of processes at once, and cheap when the day exists.
 *
 * `leafIndexes` are the statements that index the new leaf, with `{leaf}` for its name
 * (`CREATE UNIQUE INDEX {leaf}_id ON {leaf} (pid, model_id)`): a unique index of the parent would have to contain its key.
 * The leaf gets the parent's defaults, constraints, storage and statistics settings.
 *
 * CREATE LIKE + ATTACH instead of CREATE ... PARTITION OF: that takes ACCESS EXCLUSIVE on the parent, waits behind every reader
 * and stops every writer meanwhile; ATTACH takes SHARE UPDATE EXCLUSIVE, which meets neither.
 *
 * `mayMake` is asked under the lock of the leaf that is missing, and throws when it must not be made.
 *
 * Throws StorageError PARTITION_BUSY when the locks could not be had in several attempts (about 20 s).
 */
export async function ensureDay(
  pool: Pool,
  parent: string,
  dayStartMs: number,
  leafIndexes: readonly string[],
  mayMake: (client: PoolClient) => Promise<void> = () => Promise.resolve(),
  dialect: Dialect = plain,
): Promise<boolean> {
  if (!dialect.makesDays) return false;
  const leaf = leafName(parent, dayStartMs);
  return retryBusy(`create ${leaf}`, async () => {
    const state = await leafState(pool, parent, leaf);
    if (state === 'attached') return false;
    if (state === 'detaching') await detach(pool, parent, leaf, state, dialect);
    return transaction(pool, async (client) => {
      await lockLeaf(client, leaf);
      await mayMake(client);
      return createLeaf(client, parent, leaf, dayStartMs, leafIndexes);
    });
  });
}

/**
 * Drops every day of `parent` that ends at or before `beforeMs`, oldest first, and returns the starts of the days dropped (ms).
 * Finishes what an interrupted call left: a half-detached day, a detached one that still exists.
 *
 * DETACH CONCURRENTLY + DROP instead of DROP: readers and writers of the other days go on. It waits for the transactions that
 * were reading `parent`; when they outlast the attempts, throws StorageError PARTITION_BUSY, and the next call carries on.
 */
export async function dropBefore(
  pool: Pool,
  parent: string,
  beforeMs: number,
  dialect: Dialect = plain,
): Promise<readonly number[]> {
  const days = await leafDays(pool, parent, ['attached', 'detaching', 'detached'], dialect);
  const over = days.filter((dayStartMs) => dayStartMs + dayMs <= beforeMs);
  if (dialect.dropBefore !== null) {
    if (over.length > 0) await pool.query(dialect.dropBefore(parent), [timestamp(beforeMs)]);
    return over;
  }
  const dropped: number[] = [];
  for (const dayStartMs of over) {
    const leaf = leafName(parent, dayStartMs);
    await retryBusy(`drop ${leaf}`, async () => {
      const state = await leafState(pool, parent, leaf);
      if (state === 'attached' || state === 'detaching') await detach(pool, parent, leaf, state, dialect);
      await transaction(pool, (client) => dropDetached(client, parent, leaf));
    });
    dropped.push(dayStartMs);
  }
  return dropped;
}

/**
 * What each day of `parent` takes on disk, oldest first: rows, indexes and what is stored out of line, also of days that are being
 * dropped. A size is asked for without a lock that anybody would wait for.
 */
export async function daySizes(
  pool: Pool,
  parent: string,
  dialect: Dialect = plain,
): Promise<readonly { readonly dayStartMs: number; readonly bytes: number }[]> {
  const days = await leafDays(pool, parent, ['attached', 'detaching', 'detached'], dialect);
  const { rows } = await pool.query<{ bytes: string }>(dialect.sizes, [parent, days.map(dayText)]);
  return days.map((dayStartMs, i) => ({ dayStartMs, bytes: Number(rows[i]!.bytes) }));
}

/** The starts (ms, UTC, ascending) of the days for which `parent` has a partition. */
export async function existingDays(
  pool: Pool | PoolClient,
  parent: string,
  dialect: Dialect = plain,
): Promise<readonly number[]> {
  return leafDays(pool, parent, ['attached'], dialect);
}

type LeafState = 'absent' | 'attached' | 'detaching' | 'detached';

/** `predictions_p20250131`. Only plain lower-case names, so that they need no quotes and the templates stay readable. */
function leafName(parent: string, dayStartMs: number): string {
  checkParent(parent);
  if (!Number.isInteger(dayStartMs) || dayStartMs % dayMs !== 0)
    throw new RangeError(`not the start of a UTC day: ${dayStartMs}`);
  return `${parent}_p${dayText(dayStartMs)}`;
}

function dayText(dayStartMs: number): string {
  return new Date(dayStartMs).toISOString().slice(0, 10).replaceAll('-', '');
}

/** 63 bytes are all that PostgreSQL keeps of a name; the rest is for `_p20250131` and the name of an index. */
function checkParent(parent: string): void {
  if (!/^[a-z_][a-z0-9_]{0,39}$/.test(parent)) throw new RangeError(`not a plain table name: ${parent}`);
}

async function createLeaf(
  client: PoolClient,
  parent: string,
  leaf: string,
  dayStartMs: number,
  leafIndexes: readonly string[],
): Promise<boolean> {
  const state = await leafState(client, parent, leaf);
  if (state === 'attached') return false;
  // A leaf that is there but detached is one that dropBefore had not dropped yet: its rows are those of this day, so it comes back.
  if (state === 'absent') {
    await client.query(
      `CREATE TABLE ${leaf} (LIKE ${parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING STATISTICS INCLUDING GENERATED)`,
    );
    for (const statement of leafIndexes) await client.query(statement.replaceAll('{leaf}', leaf));
  }
  await client.query(
    `ALTER TABLE ${parent} ATTACH PARTITION ${leaf} FOR VALUES FROM ('${timestamp(dayStartMs)}') TO ('${timestamp(dayStartMs + dayMs)}')`,
  );
  return true;
}

/** Cannot run in a transaction. PostgreSQL commits its first half, so an interruption leaves a state that FINALIZE completes. */
async function detach(
  pool: Pool,
  parent: string,
  leaf: string,
  state: 'attached' | 'detaching',
  dialect: Dialect,
): Promise<void> {
  await withClient(pool, async (client) => {
    await client.query(`SET lock_timeout = '${lockTimeout}'`);
    try {
      await client.query(
        state === 'attached' ? dialect.detach(parent, leaf) : `ALTER TABLE ${parent} DETACH PARTITION ${leaf} FINALIZE`,
      );
    } finally {
      await client.query('RESET lock_timeout');
    }
  });
}

async function dropDetached(client: PoolClient, parent: string, leaf: string): Promise<void> {
  await lockLeaf(client, leaf);
  const state = await leafState(client, parent, leaf);
  // Attached again by an ensureDay between our two steps: once more from the start.
  if (state === 'attached' || state === 'detaching') throw new LeafChanged(leaf);
  await client.query(`DROP TABLE IF EXISTS ${leaf}`);
}

/** One process at a time works on a leaf; the lock goes with the transaction. */
async function lockLeaf(client: PoolClient, leaf: string): Promise<void> {
  await client.query(`SET LOCAL lock_timeout = '${lockTimeout}'`);
  await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('model-health partition ' || $1, 0))`, [leaf]);
}

async function leafState(client: Pool | PoolClient, parent: string, leaf: string): Promise<LeafState> {
  const { rows } = await client.query<{ state: LeafState }>(
    `SELECT CASE WHEN i.inhrelid IS NULL THEN 'detached' WHEN i.inhdetachpending THEN 'detaching' ELSE 'attached' END AS state
     FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhparent = $1::regclass
     WHERE c.oid = to_regclass($2)`,
    [parent, leaf],
  );
  return rows[0]?.state ?? 'absent';
}

async function leafDays(
  pool: Pool | PoolClient,
  parent: string,
  states: readonly LeafState[],
  dialect: Dialect,
): Promise<readonly number[]> {
  checkParent(parent);
  const { rows } = await pool.query<{ day: string }>(dialect.days, [parent, states]);
  return rows.map(({ day }) => Date.UTC(Number(day.slice(0, 4)), Number(day.slice(4, 6)) - 1, Number(day.slice(6, 8))));
}

class LeafChanged extends Error {
  override readonly name = 'LeafChanged';

  constructor(leaf: string) {
    super(`${leaf} was attached again meanwhile`);
  }
}

/**
 * What another process at work on the same leaf, or a long reader, can cause: lock timeout, deadlock, statement timeout, and
 * objects that came or went between two statements. `work` looks at the state anew each time.
 */
const busyCodes = new Set(['55P03', '40P01', '57014', '55000', '42P01', '42P07', '42P17', '42710', '42809', '23505']);

async function retryBusy<T>(what: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LeafChanged) && !busyCodes.has(errorCode(error) ?? '')) throw error;
      if (attempt === attempts)
        throw new StorageError('PARTITION_BUSY', `Could not ${what}: other transactions hold the locks`, error);
      await sleep(25 * 2 ** attempt * (0.5 + Math.random() / 2));
    }
  }
}

/** With its zone, so that the setting of the session cannot shift the bound. */
function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}+00`;
}
