import path from 'node:path';

import type { Flags } from '../config/flags.ts';
import type { Log } from '../domain/log.ts';
import { resolveDatabase } from '../storage/embedded/resolve-database.ts';
import { migrate } from '../storage/migrate.ts';
import { createPool } from '../storage/pool.ts';

/** A holder that is gone is missed after this long at most, and its successor publishes within a second or two more: 10 s are promised. */
export const LEASE_TTL_MS = 5_000;
export const LEASE_RENEWAL_MS = 1_000;
const POOL_SIZE = 10;

export interface OpenDatabase {
  readonly database: Awaited<ReturnType<typeof resolveDatabase>>;
  readonly pool: ReturnType<typeof createPool>;
  /** Its own: however many requests wait for the others, the lease is renewed in time. */
  readonly leasePool: ReturnType<typeof createPool>;
}

/** The database at our schema, with nobody of us in it before. What is opened is closed by `closers`, also when this fails halfway. */
export async function openDatabase(
  options: {
    readonly flags: Flags;
    readonly log: Log;
    readonly packageFolder: string;
    readonly searchPath: string | undefined;
  },
  closers: (() => Promise<unknown>)[],
): Promise<OpenDatabase> {
  const { flags, log } = options;
  const searchPath = options.searchPath === undefined ? {} : { searchPath: options.searchPath };
  const database = await resolveDatabase({
    databaseUrl: flags.databaseUrl ?? undefined,
    dataPath: flags.dataPath,
    log,
    ...searchPath,
  });
  closers.push(() => database.stop());
  const pool = createPool(database.url, { max: POOL_SIZE, applicationName: 'model-health-exporter', log });
  closers.push(() => pool.end());
  const leasePool = createPool(database.url, {
    max: 1,
    applicationName: 'model-health-exporter lease',
    log,
    statementTimeoutMs: LEASE_TTL_MS / 2,
    networkMs: LEASE_RENEWAL_MS,
    connectTimeoutMs: LEASE_TTL_MS / 2,
  });
  closers.push(() => leasePool.end());
  await migrate(pool, path.join(options.packageFolder, 'migrations'));
  // Nobody else can have a database of ours: a lease in it is that of a process that was killed.
  if (database.origin === 'embedded') await pool.query("UPDATE leases SET holder = '', expires_at = clock_timestamp()");
  return { database, pool, leasePool };
}
