import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { eventually, metric, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { describeWith, promQuery, scrapeJob, startPrometheus } from '../support/prometheus.ts';
import type { Prometheus } from '../support/prometheus.ts';
import { temporaryFolder } from '../support/test-server.ts';

const CONFIG = [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'bins.yml')}`];
const RULES = path.resolve(__dirname, '../../../alerting-rules/drift.rules.yml');
const ROWS = 3_000;

describeWith('prometheus', 'promtool')('drift computed by Prometheus from the bins', () => {
  const folder = temporaryFolder();
  const data = path.join(folder, 'data');
  let exporter: ExporterProcess;
  let prometheus: Prometheus;
  let api: string;

  beforeAll(async () => {
    mkdirSync(data);
    exporter = await startExporter({ dataPath: data, flags: CONFIG });
    const baseline = [
      'age,region,prediction',
      ...Array.from({ length: 2_000 }, (_, i) => `${i % 80},${['north', 'south', 'east'][i % 3]!},${i % 2}`),
    ];
    const put = await fetch(`${exporter.baseUrl}/api/ml/models/churn/baseline?version=1`, {
      method: 'PUT',
      headers: { 'content-type': 'text/csv' },
      body: baseline.join('\n'),
    });
    expect(put.status).toBe(200);
    prometheus = await startPrometheus(path.join(folder, 'prometheus'), {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [RULES],
      scrape_configs: [scrapeJob('model-health', exporter.baseUrl)],
    });
    api = prometheus.api;
  });
  afterAll(async () => {
    prometheus.stop();
    await exporter.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });

  test('promtool finds nothing to complain of in the rules', () => {
    const { status, stderr } = spawnSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('agrees with the figure of the exporter, for a numeric and a categorical feature', async () => {
    // Counters that are seen at 0 first: an increase is the whole of them.
    await eventually(async () => {
      const seen = await promQuery(api, 'sum by (feature) (ml_feature_bin_total == bool 0)');
      expect(Object.fromEntries(seen.map((of) => [of.metric.feature, of.value]))).toEqual({ age: 10, region: 4 });
    });
    const events = Array.from({ length: ROWS }, (_, i) => ({
      model: 'churn',
      version: '1',
      prediction_id: `p${i}`,
      features: {
        age: i % 50 === 0 ? null : 20 + (i % 70),
        region: ['north', 'south', 'west'][i % 5 === 0 ? 2 : i % 2],
      },
      prediction: String(i % 2),
    }));
    const sent = await fetch(`${exporter.baseUrl}/api/ml/predictions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events),
    });
    expect(sent.status).toBe(200);
    await eventually(async () => {
      const counted = await promQuery(api, 'sum(ml_feature_bin_total{feature="region"})');
      expect(counted[0]?.value).toBe(ROWS);
      const byRule = await promQuery(api, 'model_feature:ml_feature_drift_psi:increase24h');
      const byExporter = await promQuery(api, 'ml_feature_drift_psi{window="24h"}');
      expect(byRule.map(({ metric: of }) => of.feature)).toEqual(['age', 'region']);
      for (const { metric: of, value } of byRule) {
        const ours = byExporter.find(({ metric: other }) => other.feature === of.feature)!.value;
        expect(ours).toBeGreaterThan(0.1);
        // Prometheus extrapolates an increase to the ends of its range: a percent of the rows, far less of the shares.
        expect(Math.abs(value / ours - 1)).toBeLessThan(0.005);
      }
    });
  });

  test('the endpoint draws the same counts', async () => {
    const reply = await fetch(`${exporter.baseUrl}/api/ml/models/churn/features/region/distribution?window=24h`);
    expect(reply.status).toBe(200);
    expect(await reply.json()).toMatchObject({
      feature: 'region',
      baseline: { kind: 'reference', values: 2_000 },
      current: { values: ROWS },
      cells: [
        { bin: 'north', current: 1_200 },
        { bin: 'south', current: 1_200 },
        { bin: 'east', current: 0 },
        { bin: '__other__', current: 600 },
      ],
    });
    const refused = await fetch(`${exporter.baseUrl}/api/ml/models/churn/features/region/distribution?window=soon`);
    expect(refused.status).toBe(400);
  });

  test('counters of the bins survive kill -9', async () => {
    const counts = (from: ExporterProcess) => metric(from.baseUrl, 'ml_feature_bin_total');
    const before = await counts(exporter);
    expect(before).toBe(ROWS + ROWS - ROWS / 50);
    await exporter.kill('SIGKILL');
    exporter = await startExporter({ dataPath: data, flags: CONFIG });
    await eventually(async () => expect(await counts(exporter)).toBe(before));
  });
});
