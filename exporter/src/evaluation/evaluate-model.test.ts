import { describe, expect, test } from '@jest/globals';

import {
  addValues,
  baselineOf,
  emptyCounts,
  HOUR,
  scoreBins,
  testContext,
  usualCounts,
} from '../../test/support/model-counts.ts';
import type { ModelContext, ModelCounts, NeededCounts } from '../checks/check.ts';
import { CHECK_NAMES } from '../domain/settings.ts';
import { CheckFailed, evaluateModel } from './evaluate-model.ts';

const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 10, 24);

/** A thousand usual predictions in 100 ms each, 900 of them right. */
function healthy(): ModelCounts {
  const counts = usualCounts();
  counts.traffic.rows = 0;
  for (let i = 0; i < 1_000; i++) counts.traffic.addRow(0, 0.1);
  counts.performance.labelled = 1_000;
  counts.performance.confusion.set(0, 450).set(257, 450).set(256, 50).set(1, 50);
  counts.features.confidenceRows = 800;
  counts.features.confidenceSum = 600;
  return counts;
}
const context = testContext({ baseline: baselineOf(healthy()) });

function evaluate(
  counts: ModelCounts | ((windowMs: number, needs: NeededCounts) => ModelCounts),
  of: ModelContext = context,
) {
  const window = typeof counts === 'function' ? counts : () => counts;
  return evaluateModel({
    model: 'churn',
    version: '3',
    nowMs: NOW,
    context: of,
    baselines: null,
    significantDays: new Map(),
    window,
  });
}

describe('evaluateModel', () => {
  test('as the baseline: healthy', () => {
    const report = evaluate(healthy());
    expect(report).toMatchObject({
      model: 'churn',
      version: '3',
      task: 'binary',
      evaluatedAtMs: NOW,
      health: { level: 'excellent' },
      severity: 'none',
      recommendation: { action: 'none', reasons: [] },
      confidenceAverage: 0.75,
      windowPredictions: 1_000,
      baseline: { kind: 'reference', madeAtMs: 0, rows: 1_000 },
    });
    expect(report.health.score).toBeCloseTo(100, 9);
    expect(report.health.coverage).toBeCloseTo(1, 12);
    expect(report.baseline.performance?.accuracy).toBeCloseTo(0.9, 12);
    expect(report.settings).toBe(context.settings);
    expect(Object.keys(report.checks)).toEqual([...CHECK_NAMES]);
    for (const name of CHECK_NAMES) expect(report.checks[name].state).toBe('ok');
  });

  test('two checks in alert, weighted by hand', () => {
    const counts = healthy();
    // Accuracy .9 -> .84: score 40. One in ten fails: score 0.
    counts.performance.confusion.set(0, 390).set(256, 110);
    counts.traffic.errors.set(1, 100);
    const report = evaluate(counts);
    expect(report.checks.performance.state).toBe('alert');
    expect(report.checks.error_rate.state).toBe('alert');
    expect(report.health.score).toBeCloseTo(100 - 0.3 * 60 - 0.1 * 100, 6);
    expect(report).toMatchObject({ health: { level: 'good' }, severity: 'high' });
  });

  test('drift of the predictions without harm: watch', () => {
    const counts = healthy();
    counts.features.column(0).fill(0);
    addValues(
      counts.features,
      0,
      scoreBins,
      Array.from({ length: 1_000 }, (_, i) => 0.5 + i / 2_000),
    );
    const report = evaluate(counts);
    expect(report.checks.prediction_drift).toMatchObject({ state: 'alert', score: 0 });
    expect(report.health.score).toBeCloseTo(80, 6);
    expect(report).toMatchObject({ severity: 'medium', recommendation: { action: 'watch_closely' } });
  });

  test('nothing in the window is unknown, not healthy', () => {
    const report = evaluate(emptyCounts());
    expect(report.health).toEqual({ score: NaN, coverage: 0, level: 'unknown' });
    expect(report).toMatchObject({ severity: 'none', windowPredictions: 0, confidenceAverage: NaN });
    for (const name of CHECK_NAMES) expect(report.checks[name].state).toBe('insufficient_data');
  });

  test('without a baseline only what needs none has data', () => {
    const report = evaluate(healthy(), testContext({ baseline: null }));
    expect(report.baseline).toEqual({ kind: 'none', madeAtMs: NaN, rows: 0, performance: null, reason: null });
    expect(CHECK_NAMES.filter((name) => report.checks[name].state === 'ok')).toEqual(['error_rate', 'data_quality']);
    expect(report.health.coverage).toBeCloseTo(0.15, 12);
  });

  test('a baseline without labels has no performance', () => {
    const unlabelled = testContext({ baseline: baselineOf(usualCounts()) });
    expect(evaluate(healthy(), unlabelled).baseline.performance).toBeNull();
  });

  test('each check has the window of its own length; the largest one says how many predictions there are', () => {
    const asked: [number, string[]][] = [];
    const report = evaluate((windowMs, needs) => {
      asked.push([windowMs, [...needs]]);
      return windowMs === DAY ? healthy() : emptyCounts(7);
    });
    // Each is summed once, and of it only what a check reads.
    expect(asked).toEqual([
      [DAY, ['performance', 'features']],
      [HOUR, ['traffic']],
    ]);
    expect(CHECK_NAMES.map((name) => report.checks[name].windowMs)).toEqual([DAY, DAY, DAY, HOUR, HOUR, DAY]);
    expect(report.windowPredictions).toBe(1_000);
    expect(report.checks.error_rate).toMatchObject({ state: 'insufficient_data', samples: 7 });
    expect(report.confidenceAverage).toBe(0.75);
  });

  test('further windows are told of, and count for nothing', () => {
    const failing = healthy();
    failing.traffic.errors.set(1, 900);
    const extraWindows = { ...context.settings.extraWindows, error_rate: [5 * 60_000, DAY], data_drift: [HOUR] };
    const settings = { ...context.settings, extraWindows };
    const report = evaluate((windowMs) => (windowMs === 5 * 60_000 ? failing : healthy()), { ...context, settings });
    expect(report.extraWindows.map(({ check, outcome }) => [check, outcome.windowMs, outcome.state])).toEqual([
      ['data_drift', HOUR, 'ok'],
      ['error_rate', 5 * 60_000, 'alert'],
      ['error_rate', DAY, 'ok'],
    ]);
    expect(report.checks.error_rate).toMatchObject({ windowMs: HOUR, state: 'ok' });
    expect(report.health.score).toBeCloseTo(100, 9);
  });

  test('the same counts give the same report', () => {
    expect(evaluate(healthy())).toEqual(evaluate(healthy()));
  });
});

describe('a check that throws', () => {
  const cause = new Error('odd data');
  /** Counts that cannot be read in one place. */
  function broken(part: 'traffic' | 'performance', property: string): ModelCounts {
    const counts = healthy();
    Object.defineProperty(counts[part], property, {
      get() {
        throw cause;
      },
    });
    return counts;
  }

  test.each([
    ['latency', 'traffic', 'latencySum'],
    ['error_rate', 'traffic', 'errors'],
    ['performance', 'performance', 'confusion'],
  ] as const)('%s is named, with its cause', (check, part, property) => {
    const found = thrownBy(() => evaluate(broken(part, property)));
    expect(found).toBeInstanceOf(CheckFailed);
    expect(found).toMatchObject({
      name: 'CheckFailed',
      code: 'CHECK_FAILED',
      check,
      cause,
      message: `check ${check} failed`,
    });
  });

  test('a window that cannot be read is no fault of a check', () => {
    const found = thrownBy(() =>
      evaluate(() => {
        throw cause;
      }),
    );
    expect(found).toBe(cause);
  });
});

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
