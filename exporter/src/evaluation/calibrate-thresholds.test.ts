import { describe, expect, test } from '@jest/globals';

import { baselineOf, emptyCounts, testContext, usualCounts } from '../../test/support/model-counts.ts';
import type { ModelCounts } from '../checks/check.ts';
import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import { calibratedThresholds } from './calibrate-thresholds.ts';

const { thresholds } = DEFAULT_SETTINGS.defaults;

/** Baseline: one in ten wrong, 200 ms, one in a hundred fails; uniform features. */
function baseline(): ModelCounts {
  const counts = usualCounts();
  for (let i = 0; i < 1_000; i++) counts.traffic.addRow(0, 0.2);
  counts.performance.labelled = 1_000;
  counts.performance.confusion.set(0, 900).set(256, 100);
  return counts;
}
const context = testContext({ baseline: baselineOf(baseline()) });

/** A part with so many of 100 wrong, and so many ms of latency. */
function part(wrong: number, ms: number, rows = 100): ModelCounts {
  const counts = emptyCounts();
  counts.performance.labelled = rows;
  counts.performance.confusion.set(0, rows - wrong).set(256, wrong);
  for (let i = 0; i < rows; i++) counts.traffic.addRow(0, ms / 1_000);
  return counts;
}

/** Half of the parts with 8 of 100 wrong, half with 14: drops of -.02 and .04. */
const parts = (count: number, rows = 100) =>
  Array.from({ length: count }, (_, i) => part(i % 2 === 0 ? 8 : 14, i % 2 === 0 ? 180 : 260, rows));

describe('mean + 3 standard deviations over the parts of the baseline', () => {
  const found = calibratedThresholds(context, parts(16), () => 100);
  // Of .01 +- .03 the sample deviation is .03 sqrt(16 / 15); likewise 1.1 +- .2 of the latencies' ratio.
  test.each([
    ['accuracyDrop', 0.01 + 3 * 0.03 * Math.sqrt(16 / 15)],
    ['latencySpike', 1.1 + 3 * 0.2 * Math.sqrt(16 / 15)],
  ] as const)('%s', (threshold, value) => expect(found[threshold]).toBeCloseTo(value, 9));

  test('a figure without any spread comes no nearer than a tenth of what is configured', () => {
    expect(found.errorRate).toBeCloseTo(thresholds.errorRate / 10, 12);
    const steady = calibratedThresholds(
      context,
      Array.from({ length: 16 }, () => part(10, 200)),
      () => 100,
    );
    expect(steady.latencySpike).toBeCloseTo(1.1, 12);
    expect(steady.accuracyDrop).toBeCloseTo(0.005, 12);
  });

  test('what the parts do not have stays as it is, and what is no spread too', () => {
    const { driftScore, minKsStatistic, calibrationGap, ksPValue } = thresholds;
    expect(found).toMatchObject({ driftScore, minKsStatistic, calibrationGap, ksPValue });
  });

  test('parts are merged to the size of the window, as long as 16 remain', () => {
    // Two neighbours together always have 22 of 200 wrong, four 44 of 400.
    for (const samples of [101, 200, 300, 1e6])
      expect(calibratedThresholds(context, parts(64), () => samples).accuracyDrop).toBeCloseTo(0.01, 9);
    const ofOne = calibratedThresholds(context, parts(64), () => 100).accuracyDrop;
    expect(ofOne).toBeCloseTo(0.01 + 3 * 0.03 * Math.sqrt(64 / 63), 9);
  });

  test.each([
    ['no parts', []],
    ['fewer than ten', parts(9)],
    ['too small ones', parts(16, 15)],
  ])('%s: as configured', (_name, chunks) =>
    expect(calibratedThresholds(context, chunks, () => 10)).toEqual(thresholds),
  );

  test('features: the worst of them, and every share of an issue', () => {
    const drifting = Array.from({ length: 16 }, (_, i) => {
      const counts = usualCounts();
      // Region: ever more of the north; ages missing in ever more rows.
      counts.features.column(3)[0]! += 40 * i;
      counts.features.column(2)[252]! += i;
      return counts;
    });
    const { driftScore, dataQuality } = calibratedThresholds(context, drifting, () => 1_000);
    expect(driftScore).toBeGreaterThan(0.03);
    expect(driftScore).toBeLessThan(0.3);
    const shares = Array.from({ length: 16 }, (_, i) => i / (1_000 + i));
    const mean = shares.reduce((a, b) => a + b) / 16;
    const deviation = Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / 15);
    expect(dataQuality).toBeCloseTo(mean + 3 * deviation, 9);
  });
});
