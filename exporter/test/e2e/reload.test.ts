import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { eventually, metric, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { Load } from '../support/load.ts';
import { temporaryFolder } from '../support/test-server.ts';

const dataPath = temporaryFolder();
const config = path.join(dataPath, 'config.yml');
const configure = (threshold: number) =>
  writeFileSync(config, `evaluation: { interval: 1s }\nthresholds: { drift_score: ${threshold} }\n`);
let exporter: ExporterProcess;
beforeAll(async () => {
  configure(0.3);
  exporter = await startExporter({ dataPath, flags: [`--config.file=${config}`] });
});
afterAll(async () => {
  await exporter.kill('SIGTERM');
  rmSync(dataPath, { recursive: true, force: true });
});

test('a reload under load leaves no gap on /metrics, and every count as it was', async () => {
  const load = new Load(exporter.baseUrl, 2, 20);
  await load.progress(100);
  await eventually(async () => expect(await metric(exporter.baseUrl, 'ml_predictions_total')).toBeGreaterThan(0));
  let shown = 0;
  for (let round = 1; round <= 10; round++) {
    configure(0.3 + round / 100);
    expect((await fetch(`${exporter.baseUrl}/-/reload`, { method: 'POST' })).status).toBe(200);
    for (let look = 0; look < 20; look++) {
      const now = await metric(exporter.baseUrl, 'ml_predictions_total');
      expect(now).toBeGreaterThanOrEqual(shown);
      shown = now;
    }
    await load.progress(40);
  }
  await eventually(() => load.finish());
  const sent = new Set(load.acknowledged.map((event) => event.prediction_id)).size;
  await eventually(async () => expect(await metric(exporter.baseUrl, 'ml_predictions_total')).toBe(sent));

  expect(exporter.log()).not.toMatch(/level=(warn|error)/);
});

test('by the file itself, by signal and by request; mistakes change nothing and are told with line and path', async () => {
  const { baseUrl, pid } = exporter;
  const inForce = async () => (await fetch(`${baseUrl}/config`)).text();
  const reloadedAt = () => metric(baseUrl, 'ml_exporter_config_last_reload_success_timestamp_seconds');
  configure(0.77);
  await eventually(async () => expect(await inForce()).toContain('0.77'));
  const byFile = await reloadedAt();
  process.kill(pid, 'SIGHUP');
  await eventually(async () => expect(await reloadedAt()).toBeGreaterThan(byFile));
  writeFileSync(config, 'evaluation: { interval: 1s }\nthresholds: { drift_score: -1 }\nwindws: {}\n');
  const reply = await fetch(`${baseUrl}/-/reload`, { method: 'POST' });
  expect(reply.status).toBe(400);
  const text = await reply.text();
  expect(text).toMatch(/config\.yml:2:\d+: thresholds\.drift_score: /);
  expect(text).toMatch(/config\.yml:3:1: windws: .*did you mean/);
  expect(await metric(baseUrl, 'ml_exporter_config_last_reload_successful')).toBe(0);
  expect(await inForce()).toContain('0.77');
  configure(0.3);
  expect((await fetch(`${baseUrl}/-/reload`, { method: 'POST' })).status).toBe(200);
  expect(await metric(baseUrl, 'ml_exporter_config_last_reload_successful')).toBe(1);
});
