import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import path from 'node:path';
import type { Pool } from 'pg';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import { Catalog } from '../../src/storage/catalog.ts';
import { createPool } from '../../src/storage/pool.ts';
import { eventually, jsonOf, metric, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { forwardTo } from '../support/forwarder.ts';
import type { Forwarder } from '../support/forwarder.ts';
import { makeEvents } from '../support/load.ts';
import { compareWhenCounted } from '../support/recount.ts';
import { silentLog } from '../support/silent-log.ts';
import { startOwnServer, temporaryFolder } from '../support/test-server.ts';
import type { OwnServer } from '../support/test-server.ts';

const FAST = path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml');
/** Statements may take 30 s, and their answers 3 s more: whoever waits for them is later than this. */
const SOON_MS = 30_000;

let server: OwnServer;
let wire: Forwarder;
let exporter: ExporterProcess;
let pool: Pool;
const folder = temporaryFolder();
beforeAll(async () => {
  server = await startOwnServer();
  wire = await forwardTo(server.url);
  exporter = await startExporter({
    dataPath: folder,
    flags: [`--config.file=${FAST}`],
    environment: { DATABASE_URL: wire.url },
  });
  pool = createPool(server.url, { max: 2, applicationName: 'test', log: silentLog });
});
afterAll(async () => {
  await pool.end();
  await exporter.kill('SIGKILL');
  wire.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function post(route: string, rows: unknown): Promise<Response> {
  return fetch(`${exporter.baseUrl}/api/ml/${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(rows),
  });
}

async function stored(table: string): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`);
  return rows[0]!.n;
}

test('a database that falls silent after it has stored: 503 within seconds, and what is sent again is counted once', async () => {
  const [before, during, after] = [makeEvents(20), makeEvents(30), makeEvents(40)];
  const labels = before.map(({ model, prediction_id }) => ({ model, prediction_id, label: 'yes' }));
  expect((await post('predictions', before)).status).toBe(200);

  // The rows and their statistics are two copies; with the second the database has all that it needs to commit them.
  const held = wire.holdAnswersTo('PGCOPY', 2);
  const stores = post('predictions', during);
  await held;
  const cut = performance.now();
  for (const reply of await Promise.all([stores, post('ground-truth', labels)])) {
    expect(reply.status).toBe(503);
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  // Nobody begins what cannot end.
  const refused = await post('predictions', after);
  expect(refused.status).toBe(503);
  expect(performance.now() - cut).toBeLessThan(SOON_MS);
  await eventually(async () => expect((await fetch(`${exporter.baseUrl}/-/ready`)).status).toBe(503));
  await eventually(async () => expect(await stored('predictions')).toBe(50));

  wire.giveAnswers();
  const again = (route: string, rows: unknown) =>
    eventually(async () => {
      const reply = await post(route, rows);
      if (reply.status !== 200) throw new Error(`${reply.status} ${await reply.text()}`);
      return jsonOf<{ accepted: number; duplicates: number }>(reply);
    });
  expect(await again('predictions', during)).toMatchObject({ accepted: 0, duplicates: 30 });
  expect(await again('predictions', after)).toMatchObject({ accepted: 40, duplicates: 0 });
  await again('ground-truth', labels);
  await eventually(async () => expect(await metric(exporter.baseUrl, 'ml_predictions_total')).toBe(90));
  await eventually(async () => expect(await metric(exporter.baseUrl, 'ml_exporter_database_up')).toBe(1));
  expect(await stored('ground_truth')).toBe(20);
  const catalog = new Catalog(pool, () => DEFAULT_SETTINGS, { now: () => Date.now() });
  await catalog.load();
  expect(await compareWhenCounted(pool, catalog, 0)).toMatchObject({ rows: 90, labelled: 20, differences: [] });
});
