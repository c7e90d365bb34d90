/* eslint-disable n/no-process-env -- CI says whether promtool may be missing; UPDATE_GOLDEN=1 writes the golden files anew */
import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { NEW_REPORT, NEW_TOTALS, TROUBLED_REPORT, TROUBLED_TOTALS } from '../../test/fixtures/model-report.ts';
import { retrainingFamilies, STORE_FAMILIES } from './families.ts';
import { openMetricsFormat } from './openmetrics.ts';
import { publishModel } from './publish-model.ts';
import { renderExposition } from './render.ts';
import { createSelfMetrics } from './self-metrics.ts';
import { SeriesStore } from './series-store.ts';
import { textFormat } from './text-format.ts';

const TESTDATA = path.join(__dirname, '../../testdata/exposition');

const store = new SeriesStore({ families: STORE_FAMILIES, seriesLimit: 10_000 });
publishModel(store, TROUBLED_REPORT, TROUBLED_TOTALS);
publishModel(store, NEW_REPORT, NEW_TOTALS);

describe('golden exposition of models', () => {
  test.each([
    ['models.prom', textFormat],
    ['models.openmetrics', openMetricsFormat],
  ])('%s', (file, format) => {
    const text = Buffer.concat(store.render(format).map(({ bytes }) => bytes)).toString() + format.trailer;
    const golden = path.join(TESTDATA, file);
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(golden, text);
    expect(text).toBe(readFileSync(golden, 'utf8'));
  });

  test('shows every family of a model, except what only a regression or retraining has', () => {
    const shown = readFileSync(path.join(TESTDATA, 'models.prom'), 'utf8').matchAll(/^# TYPE (\S+) /gm);
    const missing = new Set(STORE_FAMILIES.map(({ name }) => name));
    for (const [, name] of shown) missing.delete(name!);
    const regression = ['mean_absolute_error', 'root_mean_squared_error', 'r2', 'bias'];
    const retraining = Object.values(retrainingFamilies).map(({ name }) => name);
    expect([...missing]).toEqual([
      ...regression.flatMap((name) => [`ml_model_${name}`, `ml_model_baseline_${name}`]),
      ...retraining,
    ]);
  });
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const promtool = hasPromtool || process.env.CI === 'true' ? test : test.skip;

promtool('promtool check metrics finds nothing, in models or in the exporter itself', async () => {
  expect(hasPromtool).toBe(true);
  const self = createSelfMetrics({ version: '1', revision: 'r' }, ['prediction', 'ground_truth']);
  self.databaseUp(true);
  self.configReloaded(true, 1_700_000_000_000);
  self.checkEvaluated('latency', true);
  self.evaluated(0.25, true, 1_700_000_000_000);
  self.ingestQueue(0, 64);
  self.ingest.rejected('prediction', 'row', 1);
  const { body } = await renderExposition({ store, self }, { accept: '', acceptEncoding: '' });
  const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input: body });
  expect({ status, said: `${stdout.toString()}${stderr.toString()}` }).toEqual({ status: 0, said: '' });
});
