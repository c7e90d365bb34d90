import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { createPool } from '../../src/storage/pool.ts';
import { embeddedUrl, eventually, metric, postmasterPid, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { Load, makeEvents } from '../support/load.ts';
import { silentLog } from '../support/silent-log.ts';
import { temporaryFolder } from '../support/test-server.ts';

const FAST = [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml')}`];

function post(baseUrl: string, events: unknown): Promise<Response> {
  return fetch(`${baseUrl}/api/ml/predictions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
}

/** Requests of every route whose answer is a fault of ours: what needs the database is 503 with Retry-After. */
async function faultsOf(baseUrl: string): Promise<string[]> {
  const { paths } = (await (await fetch(`${baseUrl}/docs/ml/json`)).json()) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const requests = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ path, method })),
  );
  expect(requests.length).toBeGreaterThan(40);
  const faults: string[] = [];
  for (const { path: template, method } of requests) {
    const url = template
      .replace(/\{(model|\*)\}/g, 'model_1')
      .replace(/\{feature\}/g, 'age')
      .replace(/\{\w+\}/g, '1');
    const body = method === 'get' ? null : JSON.stringify({ model: 'model_1', reason: 'test' });
    const answer = await fetch(`${baseUrl}${url}`, { method, body, headers: { 'content-type': 'application/json' } });
    const text = await answer.text();
    if (answer.status >= 500 && !(answer.status === 503 && answer.headers.has('retry-after')))
      faults.push(`${method} ${url}: ${answer.status} ${text}`);
  }
  return faults;
}

describe('without its database, and at its end', () => {
  let dataPath: string;
  let exporter: ExporterProcess;
  beforeEach(async () => {
    dataPath = temporaryFolder();
    exporter = await startExporter({ dataPath, flags: FAST });
  });
  afterEach(async () => {
    await exporter.kill('SIGTERM');
    rmSync(dataPath, { recursive: true, force: true });
  });

  test('a database that is away: 503 with Retry-After, /metrics goes on and says so, and it recovers by itself', async () => {
    expect((await post(exporter.baseUrl, makeEvents(10))).status).toBe(200);
    // Refuses new connections, and the pool's own are ended: away for everyone, until it is let in again.
    const admin = createPool(embeddedUrl(dataPath).replace('/model_health?', '/postgres?'), {
      max: 1,
      applicationName: 'test',
      log: silentLog,
    });
    try {
      await admin.query('ALTER DATABASE model_health ALLOW_CONNECTIONS false');
      await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'model_health'");
      await eventually(async () => {
        const refused = await post(exporter.baseUrl, makeEvents(1));
        expect(refused.status).toBe(503);
        expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(await refused.json()).toMatchObject({ status: 503, title: 'Temporarily unavailable' });
      });
      await eventually(async () => expect(await metric(exporter.baseUrl, 'ml_exporter_database_up')).toBe(0));
      expect((await fetch(`${exporter.baseUrl}/-/ready`)).status).toBe(503);
      expect(await faultsOf(exporter.baseUrl)).toEqual([]);
      expect((await fetch(`${exporter.baseUrl}/-/healthy`)).status).toBe(200);
      await admin.query('ALTER DATABASE model_health ALLOW_CONNECTIONS true');
    } finally {
      await admin.end();
    }
    await eventually(async () => expect((await post(exporter.baseUrl, makeEvents(10))).status).toBe(200));
    await eventually(async () => expect(await metric(exporter.baseUrl, 'ml_exporter_database_up')).toBe(1));
    await eventually(async () => expect(await metric(exporter.baseUrl, 'ml_predictions_total')).toBe(20));
  });

  test('SIGTERM under load: what was acknowledged is stored, PostgreSQL is stopped, exit code 0', async () => {
    const load = new Load(exporter.baseUrl, 4, 40);
    await load.progress(400);
    const postmaster = postmasterPid(dataPath);
    expect(await exporter.kill('SIGTERM')).toBe(0);
    expect(() => process.kill(postmaster, 0)).toThrow();
    expect(exporter.log()).not.toMatch(/level=(warn|error)/);
    exporter = await startExporter({ dataPath, flags: FAST });
    load.baseUrl = exporter.baseUrl;
    await eventually(() => load.finish());
    await eventually(async () =>
      expect(await metric(exporter.baseUrl, 'ml_predictions_total')).toBe(
        new Set(load.acknowledged.map((event) => event.prediction_id)).size,
      ),
    );
  });
});
