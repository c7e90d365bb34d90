import { describe, expect, test } from '@jest/globals';

import { addCode, AGE, REGION, target, usualFeatures } from '../../test/support/model-counts.ts';
import { MISSING, NOT_FINITE, TYPE_ERROR } from '../histogram/bin-scheme.ts';
import { OTHER } from '../histogram/categories.ts';
import { FeatureCounts } from '../histogram/counts.ts';
import { ABSENT } from '../histogram/model-columns.ts';
import { StatisticsTotals } from '../histogram/totals.ts';
import { drawColumn, featureBins } from './feature-distribution.ts';

const [age, region] = target.scheme.features;

describe('drawColumn', () => {
  test('a numeric feature: every bin and every decile, with what is no value beside them', () => {
    const current = new FeatureCounts(5);
    addCode(current, AGE, 0, 3);
    addCode(current, AGE, MISSING, 2);
    addCode(current, AGE, TYPE_ERROR, 4);
    addCode(current, AGE, NOT_FINITE, 1);
    addCode(current, AGE, ABSENT, 9);
    const drawn = drawColumn(age, usualFeatures(), current, AGE);
    expect(drawn.current).toEqual({ values: 3, missing: 2, typeErrors: 4, notFinite: 1 });
    expect(drawn.baseline).toEqual({ values: 1_000, missing: 0, typeErrors: 0, notFinite: 0 });
    expect(drawn.cells.map(({ baseline }) => baseline)).toEqual(Array(10).fill(100));
    expect(drawn.cells.map(({ current: of }) => of)).toEqual([3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(drawn.bins.length).toBeGreaterThan(200);
    expect(drawn.bins.reduce((sum, { baseline }) => sum + baseline, 0)).toBe(1_000);
    expect(drawn.bins[0]).toMatchObject({ lower: -Infinity, current: 3 });
    expect(drawn.bins.at(-1)).toMatchObject({ name: '+Inf', upper: Infinity });
    drawn.bins.slice(1).forEach(({ lower }, i) => expect(lower).toBe(drawn.bins[i]!.upper));
  });

  test('a categorical feature: its categories and the rest, and no bins below them', () => {
    const current = new FeatureCounts(5);
    addCode(current, REGION, 1, 6);
    addCode(current, REGION, OTHER, 2);
    const { cells, bins } = drawColumn(region, usualFeatures(), current, REGION);
    expect(cells.map(({ name, baseline, current: now }) => [name, baseline, now])).toEqual([
      ['north', 500, 0],
      ['south', 500, 6],
      ['__other__', 0, 2],
    ]);
    expect(bins).toEqual([]);
  });

  test.each([
    ['no baseline', age, null],
    ['a feature that joined after the baseline', undefined, usualFeatures()],
  ])('%s: values are counted, in no bins', (_name, bins, baseline) => {
    const current = new FeatureCounts(5);
    addCode(current, AGE, 0, 3);
    expect(drawColumn(bins, baseline, current, AGE)).toMatchObject({ current: { values: 3 }, cells: [], bins: [] });
  });

  test('a column that nothing was counted in yet', () => {
    expect(drawColumn(age, new FeatureCounts(2), new FeatureCounts(2), AGE)).toMatchObject({
      baseline: { values: 0 },
      current: { values: 0, missing: 0 },
    });
  });
});

describe('featureBins', () => {
  const totals = new StatisticsTotals();
  totals.binScheme = target.scheme.id;
  totals.bins.set((1 << 8) | 0, 7).set((1 << 8) | 2, 5);

  test('counts of the totals, shares of the baseline; bins that nothing fell in count 0', () => {
    const [ages, regions] = featureBins(target.scheme, target.features, totals, usualFeatures());
    expect(regions).toEqual({
      feature: 'region',
      bins: [
        { bin: 'north', count: 7, baselineRatio: 0.5 },
        { bin: 'south', count: 0, baselineRatio: 0.5 },
        { bin: '__other__', count: 5, baselineRatio: 0 },
      ],
    });
    expect(ages!.bins.map(({ count, baselineRatio }) => [count, baselineRatio])).toEqual(Array(10).fill([0, 0.1]));
  });

  test('counts of another scheme are none', () => {
    const found = featureBins({ ...target.scheme, id: 9 }, target.features, totals, usualFeatures());
    expect(found[1]!.bins.map(({ count }) => count)).toEqual([0, 0, 0]);
  });

  test('a baseline without a value of the feature has no shares', () => {
    const found = featureBins(target.scheme, target.features, totals, new FeatureCounts(2));
    expect(found[1]!.bins[0]!.baselineRatio).toBeNaN();
  });

  test('a feature without bins has none', () => {
    expect(featureBins({ ...target.scheme, features: [] }, target.features, totals, usualFeatures())).toEqual([]);
  });
});
