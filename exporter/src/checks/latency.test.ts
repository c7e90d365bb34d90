import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { baselineOf, emptyCounts, HOUR, testContext } from '../../test/support/model-counts.ts';
import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import { latency } from './latency.ts';
import type { ModelCounts } from './check.ts';

/** Latencies around `average` seconds: half of them a fifth below it, half a fifth above; an odd one out is the average. */
function counts(rows: number, average: number): ModelCounts {
  const made = emptyCounts();
  for (let i = 0; i + 1 < rows; i += 2) {
    made.traffic.addRow(0, 0.8 * average);
    made.traffic.addRow(0, 1.2 * average);
  }
  if (rows % 2 === 1) made.traffic.addRow(0, average);
  return made;
}

const context = testContext({ baseline: baselineOf(counts(1_000, 0.1)) });
const evaluate = (window: ModelCounts) => latency.evaluate(context, window, HOUR);

describe('latency, threshold 2, baseline 100 ms', () => {
  test.each([
    ['faster', 1_000, 0.05, 'ok', 100],
    ['as before', 1_000, 0.1, 'ok', 100],
    ['a little slower', 1_000, 0.14, 'ok', 80],
    ['just below one and a half', 1_000, 0.1499, 'ok', 75.05],
    ['just above one and a half', 1_000, 0.1501, 'warning', 74.95],
    ['just below twice', 1_000, 0.1999, 'warning', 50.05],
    ['just above twice', 1_000, 0.2001, 'alert', 49.95],
    ['three times', 1_000, 0.3, 'alert', 0],
    ['ten times', 1_000, 1, 'alert', 0],
    ['ten times, enough to alert exactly', 500, 1, 'alert', 0],
    ['ten times, one too few to alert', 499, 1, 'warning', 0],
  ])('%s', (_name, rows, average, state, score) => {
    const found = evaluate(counts(rows, average));
    expect(found.state).toBe(state);
    expect(found.score).toBeCloseTo(score, 6);
    expect(found.spikeRatio).toBeCloseTo(average / 0.1, 9);
    expect(found.averageSeconds).toBeCloseTo(average, 9);
    expect(found.baselineAverageSeconds).toBeCloseTo(0.1, 9);
    expect(found.samples).toBe(rows);
  });

  test('one slow call raises the average, but not the logarithms: no alert', () => {
    const window = counts(999, 0.1);
    window.traffic.addRow(0, 500);
    const found = evaluate(window);
    expect(found.spikeRatio).toBeGreaterThan(5);
    expect(found.state).toBe('ok');
    expect(found.score).toBe(0);
  });

  test('how surely it rose is told also far below the threshold, and not without enough rows', () => {
    expect(evaluate(counts(1_000, 0.11)).pValue).toBeLessThan(1e-9);
    expect(evaluate(counts(1_000, 0.1)).pValue).toBeCloseTo(0.5, 6);
    expect(evaluate(counts(99, 1)).pValue).toBeNaN();
  });

  test('the threshold of the model: excess over 1 counts', () => {
    const thresholds = { ...DEFAULT_SETTINGS.defaults.thresholds, latencySpike: 5 };
    const found = latency.evaluate(
      testContext({ baseline: context.baseline }, { thresholds }),
      counts(1_000, 0.29),
      HOUR,
    );
    // The warning begins at ratio 3, half way between 1 and 5.
    expect(found.score).toBeCloseTo(76.25, 9);
    expect(found.state).toBe('ok');
  });

  test('quantiles lie within 1.1 % and never above the maximum', () => {
    const window = emptyCounts();
    for (let i = 1; i <= 1_000; i++) window.traffic.addRow(0, i / 1_000);
    const found = evaluate(window);
    expect(Math.abs(found.p50Seconds / 0.5 - 1)).toBeLessThan(0.011);
    expect(Math.abs(found.p95Seconds / 0.95 - 1)).toBeLessThan(0.011);
    expect(Math.abs(found.p99Seconds / 0.99 - 1)).toBeLessThan(0.011);
    expect(found.maxSeconds).toBe(1);
  });
});

describe('latency without data', () => {
  const noLatency = emptyCounts(1_000);
  const oneLatency = counts(1, 0.1);
  const zeros = emptyCounts();
  for (let i = 0; i < 200; i++) zeros.traffic.addRow(0, 0);
  const enough = counts(1_000, 0.1);
  const few = counts(99, 0.1);
  few.traffic.rows = 5_000;
  test.each([
    ['no window', emptyCounts(), enough, '0 predictions with a latency in the window, 100 are needed'],
    ['rows without latency', noLatency, enough, '0 predictions with a latency in the window, 100 are needed'],
    ['one too few with one', few, enough, '99 predictions with a latency in the window, 100 are needed'],
    ['no baseline', enough, null, 'there is no baseline yet'],
    ['a baseline without latency', enough, noLatency, 'the baseline has no latency'],
    ['a baseline with one', enough, oneLatency, 'the baseline has no latency'],
    ['a baseline of zeros', enough, zeros, 'the baseline has no latency'],
  ])('%s', (_name, window, baseline, reason) => {
    const known = baseline === null ? null : baselineOf(baseline);
    const found = latency.evaluate(testContext({ baseline: known }), window, HOUR);
    expect(found.state).toBe('insufficient_data');
    expect(found.score).toBeNaN();
    expect(found.reason).toBe(reason);
  });

  test('the figures of an empty window are unknown, not 0', () => {
    const found = evaluate(emptyCounts());
    for (const figure of [found.averageSeconds, found.p50Seconds, found.p95Seconds, found.p99Seconds, found.maxSeconds])
      expect(figure).toBeNaN();
  });
});

test('property: the score is 0..100 and never rises with the average', () => {
  const seconds = fc.double({ min: 1e-4, max: 100, noNaN: true });
  fc.assert(
    fc.property(seconds, seconds, (a, b) => {
      const faster = evaluate(counts(120, Math.min(a, b))).score;
      const slower = evaluate(counts(120, Math.max(a, b))).score;
      expect(faster).toBeGreaterThanOrEqual(slower);
      expect(slower).toBeGreaterThanOrEqual(0);
      expect(faster).toBeLessThanOrEqual(100);
    }),
    { numRuns: 50 },
  );
});
