import { mkdtempSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { TestServer } from './test-server.ts';
import { startTestServer } from './test-server.ts';
import { watchdog } from './watchdog.ts';

export interface TestServerControl {
  stop(): Promise<void>;
}

declare global {
  var modelHealthTestServer: TestServerControl | undefined;
}

/**
 * One PostgreSQL for the whole run, started when the first test file asks for it (createTestDatabase), so that unit tests alone start none.
 * The files run in processes of their own and ask through a socket; the answer is a line of JSON.
 * With TEST_DATABASE_URL, the template database is made on that server.
 */
export default async function globalSetup({ rootDir }: { readonly rootDir: string }): Promise<void> {
  let server: Promise<TestServer> | undefined;
  const ask = (): Promise<TestServer> =>
    (server ??= startTestServer(path.join(rootDir, 'exporter/migrations'), process.env.TEST_DATABASE_URL));
  const control = net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    ask().then(
      ({ url, template }) => socket.end(JSON.stringify({ url, template })),
      (error: unknown) => socket.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) })),
    );
  });
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mh-jest-'));
  const guard = watchdog(folder);
  const file = path.join(folder, 'control.sock');
  await new Promise<void>((resolve, reject) => {
    control.on('error', reject);
    control.listen(file, resolve);
  });
  control.unref();
  process.env.MODEL_HEALTH_TEST_CONTROL = file;
  globalThis.modelHealthTestServer = {
    async stop() {
      control.close();
      await (await server)?.stop();
      await guard.end();
    },
  };
}
