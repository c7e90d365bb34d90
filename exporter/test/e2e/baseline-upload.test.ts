import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import type { Pool } from 'pg';
import { LEASE_TTL_MS } from '../../src/app/open-database.ts';
import { takeLease } from '../../src/storage/leases.ts';
import { createPool } from '../../src/storage/pool.ts';
import { EVALUATOR_LEASE } from '../../src/storage/statistics-store.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { eventually, jsonOf, metric, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { Load } from '../support/load.ts';
import { silentLog } from '../support/silent-log.ts';
import { temporaryFolder } from '../support/test-server.ts';

const FAST = [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml')}`];

let database: TestDatabase;
let pool: Pool;
let folder: string;
let exporter: ExporterProcess;
let load: Load;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool(database.url, { max: 1, applicationName: 'test', log: silentLog });
  folder = temporaryFolder();
  exporter = await startExporter({ dataPath: folder, flags: FAST, environment: { DATABASE_URL: database.url } });
});
afterAll(async () => {
  // Also after a failure: it would send for ever.
  await load.finish().catch(() => undefined);
  await exporter.kill('SIGKILL');
  await pool.end();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

async function lease(): Promise<{ readonly holder: string; readonly token: string; readonly expiresAtMs: number }> {
  const { rows } = await pool.query<{ holder: string; token: string; expires_at: Date }>(
    'SELECT holder, token, expires_at FROM leases WHERE name = $1',
    [EVALUATOR_LEASE],
  );
  const [{ holder, token, expires_at: expiresAt }] = rows as [(typeof rows)[0]];
  return { holder, token, expiresAtMs: expiresAt.getTime() };
}

test('while a baseline comes in for longer than the lease holds, it is renewed, and models are evaluated', async () => {
  const { baseUrl } = exporter;
  const counted = () => metric(baseUrl, 'ml_predictions_total');
  const evaluatedAt = () => metric(baseUrl, 'ml_exporter_evaluation_last_success_timestamp_seconds');
  load = new Load(baseUrl, 1, 20);
  await eventually(async () => expect(await counted()).toBeGreaterThan(0));

  const body = new PassThrough();
  let rows = 0;
  const sendRows = () => {
    const fresh = Array.from({ length: 200 }, () =>
      JSON.stringify({ age: rows++ % 80, prediction: 'yes', score: 0.7 }),
    );
    body.write(`${fresh.join('\n')}\n`);
  };
  let answered = false;
  const upload = fetch(`${baseUrl}/api/ml/models/slow/baseline?version=1`, {
    method: 'PUT',
    headers: { 'content-type': 'application/x-ndjson' },
    body: Readable.toWeb(body) as ReadableStream,
    duplex: 'half',
  }).finally(() => (answered = true));
  upload.catch(() => undefined);
  sendRows();
  const before = { ...(await lease()), counted: await counted(), evaluatedAt: await evaluatedAt() };
  await eventually(async () => {
    sendRows();
    const { holder, token, expiresAtMs } = await lease();
    // Whoever asks for it gets it when it has run out, were it for a moment only, and keeps it.
    expect(await takeLease(pool, EVALUATOR_LEASE, 'another replica', 10 * LEASE_TTL_MS)).toBe(0);
    expect([holder, token]).toEqual([before.holder, before.token]);
    // Renewed beyond what the one that was held when the upload began would have held for.
    expect(expiresAtMs).toBeGreaterThan(before.expiresAtMs + LEASE_TTL_MS);
    expect(await counted()).toBeGreaterThan(before.counted);
    expect(await evaluatedAt()).toBeGreaterThan(before.evaluatedAt);
    expect((await fetch(`${baseUrl}/-/leader`)).status).toBe(200);
  });
  expect(answered).toBe(false);

  body.end();
  const reply = await upload;
  expect([reply.status, await jsonOf(reply)]).toMatchObject([200, { kind: 'reference', rows }]);
  await eventually(() => load.finish());
  const sent = new Set(load.acknowledged.map((event) => event.prediction_id)).size;
  await eventually(async () => expect(await counted()).toBe(sent));
  expect(await takeLease(pool, EVALUATOR_LEASE, 'another replica', LEASE_TTL_MS)).toBe(0);
  const { holder, token } = await lease();
  expect([holder, token]).toEqual([before.holder, before.token]);
  expect(exporter.log().match(/this exporter evaluates from now on/g)).toHaveLength(1);
  expect(exporter.log()).not.toMatch(/level=(warn|error)/);
}, 120_000);
