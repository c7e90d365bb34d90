import { Pool } from 'pg';
import type { ClientBase, Connection, PoolClient } from 'pg';
import type { Log } from '../domain/log.ts';
import { errorCode, errorMessage, StorageError } from './storage-error.ts';

export interface PoolOptions {
  /** Connections at most. */
  readonly max: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly log: Log;
  /** A statement that runs longer is cancelled (SQLSTATE 57014); 0 = never. Default 30 s. */
  readonly statementTimeoutMs?: number;
  /** How long after that time its answer may take. Default 3 s. */
  readonly networkMs?: number;
  /** How long to wait for a connection, a new one or a free one of the pool. Default 10 s. */
  readonly connectTimeoutMs?: number;
}

/** What pg-pool keeps and its types do not tell: who waits for a connection, and the connections, those that are being made among them. */
interface Kept {
  readonly _pendingQueue: { readonly callback: ConnectCallback }[];
  readonly _clients: readonly { readonly connection: Connection }[];
}

/** A pool that can be told that nobody is at its other end. */
export class SeverablePool extends Pool {
  private severed = false;

  /**
   * Ends what is under way at once, with its outcome unknown as after any broken connection, and refuses what waits for a connection and
   * what would begin, until `mend`: instead of half a minute of waiting for an answer that cannot come.
   */
  sever(): void {
    this.severed = true;
    const { _pendingQueue: waiting, _clients: clients } = this as unknown as Kept;
    for (const { callback } of waiting.splice(0)) callback(silent(), undefined, () => undefined);
    for (const { connection } of clients) connection.stream.destroy();
  }

  mend(): void {
    this.severed = false;
  }

  override connect(): Promise<PoolClient>;
  override connect(callback: ConnectCallback): void;
  override connect(callback?: ConnectCallback): Promise<PoolClient> | void {
    if (callback === undefined) return this.severed ? Promise.reject(silent()) : super.connect();
    if (this.severed) callback(silent(), undefined, () => undefined);
    else super.connect(callback);
  }
}
type ConnectCallback = Parameters<Pool['connect']>[0];

/** By its code a connection that failed. */
function silent(): Error {
  return Object.assign(new Error('The database is silent.'), { code: '08006' });
}

/** Spread into a query that has no limit on the server, and so must have none here. */
export const PATIENT = { query_timeout: 86_400_000 };
const SERVER_KEEPALIVES =
  'SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3';
/** The pool waits for it, which its types do not say. */
const KEEP_ALIVE = { onConnect: (client: ClientBase) => client.query(SERVER_KEEPALIVES) };
/** For what the server cancelled to be told. */
const NETWORK_MS = 3_000;

/**
 * A pool that outlives its server: a connection that breaks, idle or in use, is logged and replaced, and never ends the process.
 *
 * The timeouts go in the start-up packet, so PgBouncer needs
 * `ignore_startup_parameters = statement_timeout,idle_in_transaction_session_timeout` (or `statementTimeoutMs: 0`).
 * int8 arrives as a string, as pg gives it: a caller that knows its range converts.
 */
export function createPool(url: string, options: PoolOptions): SeverablePool {
  const timeoutMs = options.statementTimeoutMs ?? 30_000;
  const pool = new SeverablePool({
    connectionString: url,
    max: options.max,
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    idleTimeoutMillis: 60_000,
    // An idle connection to nobody is noticed by us after 20 s: ten seconds of silence, then ten questions a second apart.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // And by the server after a minute, instead of the two hours that systems wait: it must not run out of connections by ours.
    ...KEEP_ALIVE,
    // Twice as long: a transaction whose owner is gone must not hold its locks for ever.
    // Our own end of it: a network that was cut says nothing, and the statement's timeout is the server's.
    ...(timeoutMs > 0
      ? {
          statement_timeout: timeoutMs,
          idle_in_transaction_session_timeout: 2 * timeoutMs,
          query_timeout: timeoutMs + (options.networkMs ?? NETWORK_MS),
        }
      : {}),
  });
  const lost = (error: Error): void => {
    // end() does not wait for the sockets: a server that we stop right after it ends them first, and that is no loss.
    if (pool.ending) return;
    options.log.warn({ error: errorMessage(error), code: errorCode(error) }, 'database connection lost');
  };
  // pg-pool listens on idle clients only and hands their errors to the pool; between two queries of a transaction the client is
  // on its own, and an 'error' event without a listener would end the process.
  pool.on('error', lost);
  pool.on('connect', (client) => {
    client.on('error', (error) => {
      options.log.debug({ error: errorMessage(error), code: errorCode(error) }, 'database client error');
    });
  });
  return pool;
}

/** Runs `use` with one connection of the pool. A connection that `use` broke is closed instead of being handed on. */
export async function withClient<T>(pool: Pool, use: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    return await use(client);
  } catch (error) {
    if (isConnectionError(error)) broken = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    client.release(broken);
  }
}

export interface TransactionOptions {
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  readonly readOnly?: boolean;
  /** How often to run `work` in all, when PostgreSQL asks for a retry (deadlock, serialization failure). Default 1. */
  readonly attempts?: number;
}

/**
 * Runs `work` between BEGIN and COMMIT, or ROLLBACK when it throws.
 *
 * Throws what `work` threw; StorageError TRANSACTION_ROLLED_BACK when `work` swallowed the error of a statement, for COMMIT then
 * rolls back without a word. When the connection breaks during COMMIT the outcome is unknown: writes must be idempotent.
 * With `attempts` > 1 `work` may run more than once and must have no effect outside the transaction.
 */
export async function transaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const attempts = options.attempts ?? 1;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withClient(pool, (client) => runTransaction(client, work, options));
    } catch (error) {
      if (attempt >= attempts || !isRetryable(error)) throw error;
    }
  }
}

/** Is the database there? The time of a round trip, or the reason why not; never throws. */
export async function ping(
  pool: Pool,
): Promise<{ readonly ok: true; readonly latencyMs: number } | { readonly ok: false; readonly reason: string }> {
  const started = performance.now();
  try {
    await pool.query('SELECT 1');
    return { ok: true, latencyMs: performance.now() - started };
  } catch (error) {
    return { ok: false, reason: errorMessage(error) };
  }
}

async function runTransaction<T>(
  client: PoolClient,
  work: (client: PoolClient) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  await client.query(
    `BEGIN${options.isolation ? ` ISOLATION LEVEL ${options.isolation}` : ''}${options.readOnly ? ' READ ONLY' : ''}`,
  );
  let result: T;
  try {
    result = await work(client);
  } catch (error) {
    await rollback(client, error);
    throw error;
  }
  const end = await client.query('COMMIT');
  if (end.command !== 'COMMIT') {
    throw new StorageError(
      'TRANSACTION_ROLLED_BACK',
      'The transaction was rolled back: a statement in it had failed and the error was not passed on.',
    );
  }
  return result;
}

/** A ROLLBACK that fails means a broken connection: it must not go back into the pool inside a transaction. */
async function rollback(client: PoolClient, reason: unknown): Promise<void> {
  try {
    await client.query('ROLLBACK');
  } catch (error) {
    throw new ConnectionBroken(reason, error);
  }
}

/** Carries the error of the work through the release of the broken connection. */
class ConnectionBroken extends Error {
  override readonly name = 'ConnectionBroken';
  readonly code = '08006';

  constructor(reason: unknown, rollbackError: unknown) {
    super(`The database connection broke: ${errorMessage(reason)} (then ROLLBACK: ${errorMessage(rollbackError)})`, {
      cause: reason,
    });
  }
}

/** Deadlock or serialization failure: PostgreSQL rolled back and asks for the same again. */
function isRetryable(error: unknown): boolean {
  const code = errorCode(error);
  return code === '40P01' || code === '40001';
}

/** SQLSTATE class 08 and 57P0x (server shut down or crashed), a system error of the socket, or pg's own error without a code. */
function isConnectionError(error: unknown): boolean {
  const code = errorCode(error);
  if (code === undefined)
    return error instanceof Error && /connection (terminated|error)|not queryable|read timeout/i.test(error.message);
  return /^08/.test(code) || /^57P0/.test(code) || /^E[A-Z]{3,}$/.test(code);
}
