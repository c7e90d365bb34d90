import { afterEach, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import { Catalog } from '../../src/storage/catalog.ts';
import { createPool } from '../../src/storage/pool.ts';
import { embeddedUrl, eventually, metric, postmasterPid, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { Load } from '../support/load.ts';
import { compareWhenCounted } from '../support/recount.ts';
import { silentLog } from '../support/silent-log.ts';
import { temporaryFolder } from '../support/test-server.ts';

const ROUNDS = 3;
const FAST = [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml')}`];

/** Every acknowledged prediction is stored once, every statistic equals a recount, and the counters say so. */
async function expectNothingLostOrDoubled(exporter: ExporterProcess, dataPath: string, load: Load): Promise<void> {
  const pool = createPool(embeddedUrl(dataPath), { max: 2, applicationName: 'test', log: silentLog });
  try {
    const stored = await pool.query<{ pid: string; copies: string }>(
      'SELECT pid, count(*) AS copies FROM predictions GROUP BY pid',
    );
    const copies = new Map(stored.rows.map((row) => [row.pid, Number(row.copies)]));
    const lost = load.acknowledged.filter((event) => !copies.has(event.prediction_id));
    expect(lost).toHaveLength(0);
    expect([...copies.values()].filter((count) => count !== 1)).toHaveLength(0);
    // All was retried until acknowledged, so nothing else is there either.
    expect(copies.size).toBe(new Set(load.acknowledged.map((event) => event.prediction_id)).size);
    const joined = await pool.query<{ n: string }>(
      'SELECT count(*) AS n FROM ground_truth WHERE joined_at IS NOT NULL',
    );
    expect(Number(joined.rows[0]!.n)).toBeGreaterThanOrEqual(new Set(load.labelled).size);

    const catalog = new Catalog(pool, () => DEFAULT_SETTINGS, { now: () => Date.now() });
    await catalog.load();
    // Longer ago than any row was stamped.
    const compared = await compareWhenCounted(pool, catalog, Date.now() - 6 * 3_600_000);
    expect(compared.differences).toEqual([]);
    expect(compared.counted).toBe(copies.size);
    await eventually(async () => {
      expect(await metric(exporter.baseUrl, 'ml_predictions_total')).toBe(copies.size);
      expect(await metric(exporter.baseUrl, 'ml_labels_total')).toBe(Number(joined.rows[0]!.n));
    });
  } finally {
    await pool.end();
  }
}

describe('nothing acknowledged is lost or counted twice', () => {
  const folders: string[] = [];
  let exporter: ExporterProcess | undefined;
  afterEach(async () => {
    await exporter?.kill('SIGTERM');
    exporter = undefined;
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  const newDataPath = () => {
    const folder = temporaryFolder();
    folders.push(folder);
    return folder;
  };

  test(`kill -9 of the exporter under load, ${ROUNDS} times`, async () => {
    const dataPath = newDataPath();
    exporter = await startExporter({ dataPath, flags: FAST });
    const load = new Load(exporter.baseUrl, 6, 50);
    for (let round = 0; round < ROUNDS; round++) {
      await load.progress(600);
      await sleep(Math.random() * 800);
      await exporter.kill('SIGKILL');
      exporter = await startExporter({ dataPath, flags: FAST });
      load.baseUrl = exporter.baseUrl;
    }
    await load.progress(300);
    await eventually(() => load.finish());
    await expectNothingLostOrDoubled(exporter, dataPath, load);
  });

  test(`kill -9 of PostgreSQL under load, ${ROUNDS} times: 503 meanwhile, and it recovers by itself`, async () => {
    const dataPath = newDataPath();
    exporter = await startExporter({ dataPath, flags: FAST });
    const load = new Load(exporter.baseUrl, 6, 50);
    for (let round = 0; round < ROUNDS; round++) {
      // Also after the first rounds: PostgreSQL is there again, or there would be none to kill.
      await load.progress(500);
      await sleep(Math.random() * 800);
      process.kill(postmasterPid(dataPath), 'SIGKILL');
      expect((await fetch(`${exporter.baseUrl}/metrics`)).status).toBe(200);
    }
    await load.progress(300);
    await eventually(() => load.finish());
    const failed = /^.*request failed.*$/m.exec(exporter.log());
    expect([...new Set(load.refusals), failed?.[0]]).toEqual(['503 2 application/problem+json', undefined]);
    await expectNothingLostOrDoubled(exporter, dataPath, load);
  });
});
