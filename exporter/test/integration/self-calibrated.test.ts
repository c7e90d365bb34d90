import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import { ModelHealth } from '../../src/evaluation/model-health.ts';
import { FeatureCounts } from '../../src/histogram/counts.ts';
import { openCore } from '../support/core.ts';
import type { Core } from '../support/core.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 24, 12, 30);
const BASELINE_ROWS = 6_400;

let database: TestDatabase;
let core: Core;
let state = 11;
const random = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 4_294_967_296;

/** Rows of a feature with a daily wave of a quarter of its range: usual for this model, drift by the founding threshold. */
const events = (name: string, rows: number, fromMs: number, toMs: number) =>
  Array.from({ length: rows }, (_, i) => {
    const timestamp = Math.floor(fromMs + ((toMs - fromMs) * i) / rows);
    const wave = 25 * Math.sin((2 * Math.PI * timestamp) / (24 * HOUR));
    return {
      model: 'churn',
      version: '1',
      prediction_id: `${name}-${i}`,
      timestamp,
      features: { age: 50 + wave + 20 * random() },
      prediction: random() < 0.5 ? 'yes' : 'no',
    };
  });

beforeAll(async () => {
  database = await createTestDatabase();
  const defaults = {
    ...DEFAULT_SETTINGS.defaults,
    selfCalibrated: true,
    windows: { ...DEFAULT_SETTINGS.defaults.windows, data_drift: HOUR },
  };
  core = await openCore(database.url, { now: () => NOW, settings: { ...DEFAULT_SETTINGS, defaults } });
  await core.predict(events('then', BASELINE_ROWS, NOW - 60 * HOUR, NOW - 12 * HOUR));
  await core.capture('churn', '1', { fromMs: 0, toMs: NOW, limit: BASELINE_ROWS });
  await core.predict(events('now', 600, NOW - HOUR, NOW));
});
afterAll(async () => {
  await core.close();
  await database.drop();
});

test('a baseline is kept in parts, which add up to it, and an hour that is usual within a day raises no alert', async () => {
  const { baselineId, target } = core.catalog.versions()[0]!;
  const chunks = await core.baselines.chunks(baselineId!);
  expect(chunks).toHaveLength(64);
  expect(new Set(chunks.map(({ features }) => features.rows))).toEqual(new Set([BASELINE_ROWS / 64]));
  const sum = new FeatureCounts(0);
  for (const { features } of chunks) sum.add(features);
  const whole = await core.baselines.load(baselineId!);
  expect([...sum.counts]).toEqual([...whole.counts.features.counts]);

  await core.evaluator.catchUp();
  const health = new ModelHealth(
    {
      versions: () => core.catalog.versions(),
      baseline: (id) => core.baselines.load(id),
      chunks: (id) => core.baselines.chunks(id),
      recounting: () => core.baselines.recounting(),
      longestWindowMs: () => 25 * HOUR,
      past: () => Promise.resolve([]),
      drifts: () => Promise.resolve([]),
    },
    core.evaluator.memory,
  );
  const { evaluated } = await health.evaluate(NOW, (_id, error) => {
    throw error;
  });
  const { report } = evaluated.find(({ versionId }) => versionId === target.versionId)!;
  const { driftScore } = report.settings.thresholds;
  const [age] = report.checks.data_drift.features;
  // The founding threshold alone would have called it significant.
  expect(age!.klDivergence).toBeGreaterThan(DEFAULT_SETTINGS.defaults.thresholds.driftScore);
  expect(driftScore).toBeGreaterThan(age!.klDivergence);
  expect(report.checks.data_drift.state).not.toBe('alert');
});
