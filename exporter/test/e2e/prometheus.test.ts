import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { eventually, jsonOf, startExporter } from '../support/exporter-process.ts';
import type { ExporterProcess } from '../support/exporter-process.ts';
import { makeEvents } from '../support/load.ts';
import { describeWith, promQuery, scrapeJob, startPrometheus } from '../support/prometheus.ts';
import type { Prometheus } from '../support/prometheus.ts';
import { temporaryFolder } from '../support/test-server.ts';

const FAST = [`--config.file=${path.resolve(__dirname, '..', 'fixtures', 'fast-evaluation.yml')}`];

describeWith('prometheus', 'promtool')('a real Prometheus', () => {
  const folder = temporaryFolder();
  let exporter: ExporterProcess;
  let prometheus: Prometheus;

  beforeAll(async () => {
    mkdirSync(path.join(folder, 'data'));
    exporter = await startExporter({ dataPath: path.join(folder, 'data'), flags: FAST });
    prometheus = await startPrometheus(path.join(folder, 'prometheus'), {
      global: { scrape_interval: '1s' },
      scrape_configs: [scrapeJob('model-health', exporter.baseUrl)],
    });
    const baseline = [
      'age,region,prediction,score,label',
      ...Array.from(
        { length: 2_000 },
        (_, i) => `${i % 80},${i % 2 ? 'north' : 'south'},${i % 2},${(i % 100) / 100},${i % 3 ? 0 : 1}`,
      ),
    ];
    const put = await fetch(`${exporter.baseUrl}/api/ml/models/model_0/baseline?version=1`, {
      method: 'PUT',
      headers: { 'content-type': 'text/csv' },
      body: baseline.join('\n'),
    });
    expect(put.status).toBe(200);
    const events = makeEvents(1_500, 2).map((event) => ({ ...event, prediction: event.score > 0.5 ? '1' : '0' }));
    for (const [route, body] of [
      ['predictions', events],
      [
        'ground-truth',
        events.map(({ model, prediction_id }, i) => ({ model, prediction_id, label: i % 3 === 0 ? '1' : '0' })),
      ],
    ] as const) {
      const response = await fetch(`${exporter.baseUrl}/api/ml/${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect(response.status).toBe(200);
    }
  });
  afterAll(async () => {
    prometheus.stop();
    await exporter.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });

  const query = (promql: string) => promQuery(prometheus.api, promql);

  test('scrapes a health score that is the one of the report', async () => {
    await eventually(async () => {
      const [total] = await query('sum(ml_predictions_total)');
      expect(total?.value).toBe(1_500);
      const scraped = await query('ml_model_health_score{model="model_0"}');
      const report = await jsonOf<{ overall_health: number; coverage: number }>(
        await fetch(`${exporter.baseUrl}/api/ml/health/model_0`),
      );
      expect(scraped[0]?.value).toBeCloseTo(report.overall_health, 6);
      expect(report.coverage).toBeGreaterThan(0.5);
    });
  });

  test('the score is the weighted mean of the checks that have data', async () => {
    await eventually(async () => {
      const [difference] = await query(
        'max(abs(ml_model_health_score - on (model, version) sum by (model, version) (ml_model_check_score * ml_model_check_weight_ratio) / on (model, version) ml_model_health_coverage_ratio))',
      );
      expect(difference?.value).toBeLessThan(1e-6);
    });
  });

  test.each(['accuracy', 'roc_auc'])(
    'the error of an estimated %s is what it is off by; a model without an estimate has none',
    async (figure) => {
      const error = `ml_model_estimated_${figure}_error_ratio`;
      await eventually(async () => {
        expect((await query(error)).map(({ metric }) => metric.model)).toEqual(['model_0']);
        // All predictions are labelled, so that what was expected of all can be held against what came true.
        const [off] = await query(`ml_model_estimated_${figure}_ratio - ml_model_${figure}_ratio - ${error}`);
        expect(off?.value).toBeCloseTo(0, 9);
      });
    },
  );

  test('up, no dropped samples, and both formats say the same', async () => {
    await eventually(async () => expect((await query('up'))[0]?.value).toBe(1));
    const plain = async (accept: string) => {
      const text = await (await fetch(`${exporter.baseUrl}/metrics`, { headers: { accept } })).text();
      return text.split('\n').filter((line) => line.startsWith('ml_model') || line.startsWith('ml_feature'));
    };
    // Taken around one another: a window may move on between two of them.
    await eventually(async () =>
      expect(await plain('application/openmetrics-text; version=1.0.0')).toEqual(await plain('text/plain')),
    );
  });

  test('promtool finds nothing to complain of', async () => {
    const input = await (await fetch(`${exporter.baseUrl}/metrics`)).text();
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    expect(`${stdout}${stderr}`).toBe('');
    expect(status).toBe(0);
  });

  test('a deleted model loses its series', async () => {
    expect((await fetch(`${exporter.baseUrl}/api/ml/models/model_1`, { method: 'DELETE' })).status).toBe(204);
    await eventually(async () => {
      expect(await query('ml_predictions_total{model="model_1"}')).toEqual([]);
      expect(await query('ml_predictions_total{model="model_0"}')).toHaveLength(1);
    });
  });
});
