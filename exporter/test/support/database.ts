import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { databaseUrl, execute } from './test-server.ts';

export interface TestDatabase {
  readonly url: string;
  /** Ends its connections and removes it. */
  drop(): Promise<void>;
}

/** A database of the caller's own with the current schema: a copy of the migrated template, some 30 ms. Call it in beforeAll, `drop` in afterAll. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = await askForServer();
  const name = `test_${process.pid}_${randomBytes(6).toString('hex')}`;
  await execute(server.url, `CREATE DATABASE ${name} TEMPLATE ${server.template}`);
  return {
    url: databaseUrl(server.url, name),
    drop: () => execute(server.url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** The same without any schema. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const server = await askForServer();
  const name = `test_${process.pid}_${randomBytes(6).toString('hex')}`;
  await execute(server.url, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`);
  return {
    url: databaseUrl(server.url, name),
    drop: () => execute(server.url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function askForServer(): Promise<{ readonly url: string; readonly template: string }> {
  const control = process.env.MODEL_HEALTH_TEST_CONTROL;
  if (control === undefined) throw new Error('There is no test server: is global-setup.ts the globalSetup of Jest?');
  const answer = JSON.parse(await text(net.connect(control))) as { url: string; template: string } | { error: string };
  if ('error' in answer) throw new Error(`The test server does not start: ${answer.error}`);
  return answer;
}
