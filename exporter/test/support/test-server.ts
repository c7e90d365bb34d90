import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { migrate } from '../../src/storage/migrate.ts';
import { createPool } from '../../src/storage/pool.ts';
import type { ResolveDatabaseOptions, ResolvedDatabase } from '../../src/storage/embedded/resolve-database.ts';
import { resolveDatabase } from '../../src/storage/embedded/resolve-database.ts';
import { silentLog } from './silent-log.ts';
import { watchdog } from './watchdog.ts';

/** A PostgreSQL of a test's own, in a temporary folder that goes with it. */
export interface OwnServer {
  readonly database: ResolvedDatabase;
  readonly url: string;
  readonly dataPath: string;
  stop(): Promise<void>;
}

/** Durable unless `settings` say otherwise: for tests that kill it. Nothing of it is left when the process ends, also by kill -9. */
export async function startOwnServer(options: Partial<ResolveDatabaseOptions> = {}): Promise<OwnServer> {
  const dataPath = options.dataPath ?? temporaryFolder();
  const guard = watchdog(dataPath);
  try {
    const database = await resolveDatabase({ log: silentLog, ...options, dataPath });
    return {
      database,
      url: database.url,
      dataPath,
      stop: async () => {
        await database.stop();
        await guard.end();
      },
    };
  } catch (error) {
    await guard.end();
    throw error;
  }
}

/** In the system's folder for such; open for the account that PostgreSQL runs as when the tests run as root. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mh-test-'));
  chmodSync(folder, 0o711);
  return folder;
}

/** The server of a whole Jest run, with the database that every test database is a copy of. */
export interface TestServer {
  /** A database from which CREATE DATABASE can be said. */
  readonly url: string;
  readonly template: string;
  stop(): Promise<void>;
}

/** Nothing on it needs to survive a crash. */
const fast = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  max_connections: '200',
  shared_buffers: '128MB',
};

export async function startTestServer(migrations: string, externalUrl: string | undefined): Promise<TestServer> {
  const own = externalUrl === undefined ? await startOwnServer({ settings: fast }) : undefined;
  const url = externalUrl ?? own!.url;
  const template = `model_health_template_${randomBytes(4).toString('hex')}`;
  const stop = async (): Promise<void> => {
    if (own === undefined) await execute(url, `DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
    else await own.stop();
  };
  try {
    await execute(url, `CREATE DATABASE ${template}`);
    const pool = createPool(databaseUrl(url, template), { max: 1, applicationName: 'template', log: silentLog });
    await migrate(pool, migrations).finally(() => pool.end());
    // A copy needs a source without connections; nobody is let in any more.
    await execute(url, `ALTER DATABASE ${template} ALLOW_CONNECTIONS false`);
    return { url, template, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** `url` with another database. */
export function databaseUrl(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

export async function execute(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
