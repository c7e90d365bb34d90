import { describe, expect, test } from '@jest/globals';

import type { FeatureColumn } from '../histogram/model-columns.ts';
import { StatisticsTotals } from '../histogram/totals.ts';
import { modelTotals } from './model-totals.ts';

const features: FeatureColumn[] = [{ name: 'age', kind: 'numeric', position: 0, column: 2 }];
const names = { classes: ['no', 'yes'], errorReasons: ['timeout'], features };

describe('modelTotals', () => {
  test('nothing counted', () => {
    const found = modelTotals(new StatisticsTotals(), 0, names);
    expect(found).toMatchObject({ predictions: 0, labels: 0, labelsUnmatched: 0, confusion: [] });
    expect(found.lastPredictionMs).toBeNaN();
    expect(found.lastLabelMs).toBeNaN();
    expect(found.features).toEqual([
      {
        feature: 'age',
        kind: 'numeric',
        values: 0,
        missing: 0,
        typeErrors: 0,
        outOfRange: 0,
        unseenCategories: 0,
        outliers: 0,
      },
    ]);
  });

  test('codes get their names; those without share one', () => {
    const totals = new StatisticsTotals();
    totals.traffic.rows = 12;
    totals.traffic.errors.set(1, 3).set(2, 1).set(255, 4);
    totals.classes.set(0, 5).set(1, 2).set(7, 1).set(250, 1);
    totals.confusion.set(1 * 256 + 0, 6).set(250 * 256 + 1, 2);
    totals.labels = 8;
    const found = modelTotals(totals, 9, names);
    expect(found.predictions).toBe(12);
    expect(found.labels).toBe(8);
    expect(found.labelsUnmatched).toBe(9);
    expect(found.errorsByReason).toEqual(
      new Map([
        ['timeout', 3],
        ['__other__', 5],
      ]),
    );
    expect(found.predictedClasses).toEqual(
      new Map([
        ['no', 5],
        ['yes', 2],
        ['__other__', 2],
      ]),
    );
    expect(found.confusion).toEqual([
      { predicted: 'yes', actual: 'no', count: 6 },
      { predicted: '__other__', actual: 'yes', count: 2 },
    ]);
  });

  test('a feature has its counters under their names', () => {
    const totals = new StatisticsTotals();
    totals.features = [100, 10, 2, 3, 4, 5];
    expect(modelTotals(totals, 0, names).features[0]).toEqual({
      feature: 'age',
      kind: 'numeric',
      values: 100,
      missing: 10,
      typeErrors: 2,
      outOfRange: 3,
      unseenCategories: 4,
      outliers: 5,
    });
  });

  test('latency: cumulative counts at the classic bounds, one for each bound and none for +Inf', () => {
    const totals = new StatisticsTotals();
    for (const seconds of [0.0005, 0.25, 0.25, 0.3, 20]) totals.traffic.addRow(0, seconds);
    const { latency } = modelTotals(totals, 0, names);
    expect(latency.upperBoundsSeconds).toHaveLength(15);
    expect(latency.cumulative).toHaveLength(15);
    const at = (bound: number) => latency.cumulative[latency.upperBoundsSeconds.indexOf(bound)];
    expect([at(2 ** -10), at(0.125), at(0.25), at(0.5), at(16)]).toEqual([1, 1, 3, 4, 4]);
    expect(latency.count).toBe(5);
    expect(latency.sumSeconds).toBeCloseTo(20.8005, 10);
  });

  test('label delays: cumulative counts from 15 s to 45 days, upper-inclusive', () => {
    const totals = new StatisticsTotals();
    // Delays are counted in minutes: codes of latency buckets, of which code c ends at 2^(c / 32 - 16) minutes.
    const codeOf = (minutes: number) => Math.ceil((Math.log2(minutes) + 16) * 32);
    totals.delays
      .set(codeOf(0.25), 2)
      .set(codeOf(0.25) + 1, 3)
      .set(codeOf(60), 5)
      .set(1023, 7);
    totals.delaySum = 18_100;
    const { labelDelay } = modelTotals(totals, 0, names);
    expect(labelDelay.upperBoundsSeconds).toEqual([
      15, 60, 240, 960, 3_840, 15_360, 61_440, 245_760, 983_040, 3_932_160,
    ]);
    expect(labelDelay.cumulative).toEqual([2, 5, 5, 5, 10, 10, 10, 10, 10, 10]);
    expect(labelDelay.count).toBe(17);
    expect(labelDelay.sumSeconds).toBe(18_100);
  });
});
