import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import {
  addCode,
  addValues,
  AGE,
  ageBins,
  baselineOf,
  emptyCounts,
  HOUR,
  REGION,
  SPREAD,
  target,
  testContext,
  usualCounts,
} from '../../test/support/model-counts.ts';
import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import { buildNumericBins, MISSING } from '../histogram/bin-scheme.ts';
import type { ModelContext, ModelCounts } from './check.ts';
import { dataDrift } from './data-drift.ts';

const DAY = 24 * HOUR;
const [age, region] = [target.features[0]!, target.features[1]!];
const regionOnly = testContext({ columns: [region] });

/** A window of which only the regions are known; the baseline has 500 north and 500 south. */
function regions(north: number, south: number, other = 0): ModelCounts {
  const window = emptyCounts(north + south + other);
  addCode(window.features, REGION, 0, north);
  addCode(window.features, REGION, 1, south);
  addCode(window.features, REGION, 250, other);
  return window;
}

const evaluate = (window: ModelCounts, context: ModelContext = regionOnly) => dataDrift.evaluate(context, window, DAY);

/** KL of shares (c + 1/2) / (n + 3/2) over north, south and the rest. */
function klOf(...now: number[]): number {
  const n = now.reduce((sum, count) => sum + count, 0);
  return [500, 500, 0].reduce((sum, then, k) => {
    const p = (now[k]! + 0.5) / (n + 1.5);
    return sum + p * Math.log(p / ((then + 0.5) / 1001.5));
  }, 0);
}

describe('data drift of one feature, thresholds 0.3 nats, p 0.05, effect 0.1', () => {
  test.each([
    // Shares of the window, and the KL divergence of the unsmoothed shares from one half each, by hand.
    ['the same', 500, 500, 'none', 'ok', 0],
    ['a little, but surely: effect 0.09', 590, 410, 'none', 'ok', 0.0163],
    ['moderate by effect 0.11', 610, 390, 'moderate', 'warning', 0.0244],
    ['moderate by KL', 750, 250, 'moderate', 'warning', 0.1308],
    ['just below the threshold', 860, 140, 'moderate', 'warning', 0.2881],
    ['just above it', 870, 130, 'significant', 'alert', 0.3067],
    ['significant', 900, 100, 'significant', 'alert', 0.3681],
    ['enough to alert exactly', 450, 50, 'significant', 'alert', 0.3681],
    ['one too few to alert', 450, 49, 'significant', 'warning', 0.3713],
    ['enough to report exactly', 50, 50, 'none', 'ok', 0],
  ] as const)('%s', (_name, north, south, verdict, state, kl) => {
    const found = evaluate(regions(north, south));
    const [drift] = found.features;
    expect(drift).toMatchObject({
      feature: 'region',
      kind: 'categorical',
      verdict,
      samples: north + south,
      baselineSamples: 1_000,
    });
    expect(drift!.klDivergence).toBeCloseTo(klOf(north, south, 0), 12);
    expect(Math.abs(drift!.klDivergence - kl)).toBeLessThan(0.008);
    expect(drift!.ksStatistic).toBeCloseTo(Math.abs(north / (north + south) - 0.5), 12);
    expect(drift!.wasserstein).toBeNaN();
    expect(found).toMatchObject({ state, reason: null, windowMs: DAY, samples: north + south });
    // 3.84 is the 5 % point of chi-square with one degree of freedom: the cells here differ by far more, or not at all.
    const score = verdict === 'none' && north === south ? 100 : 100 * Math.max(0, 1 - klOf(north, south, 0) / 0.6);
    expect(found.score).toBeCloseTo(score, 9);
  });

  test('a change that may be chance scores 100', () => {
    const found = evaluate(regions(55, 45));
    expect(found.features[0]!.pValue).toBeGreaterThan(0.05);
    expect(found.score).toBe(100);
  });

  test('unseen categories are a cell of their own', () => {
    const found = evaluate(regions(250, 250, 500));
    expect(found.features[0]!.klDivergence).toBeCloseTo(klOf(250, 250, 500), 12);
    expect(found.features[0]!.ksStatistic).toBeCloseTo(0.5, 12);
    expect(found.state).toBe('alert');
  });

  test('takes the thresholds of the model', () => {
    const { thresholds } = DEFAULT_SETTINGS.defaults;
    const own = (changed: object) => testContext({ columns: [region] }, { thresholds: { ...thresholds, ...changed } });
    expect(evaluate(regions(900, 100), own({ driftScore: 0.4 })).state).toBe('warning');
    expect(evaluate(regions(610, 390), own({ minKsStatistic: 0.2 })).state).toBe('ok');
    expect(evaluate(regions(545, 455), own({ minKsStatistic: 0.04 })).state).toBe('warning');
    expect(evaluate(regions(545, 455), own({ minKsStatistic: 0.04, ksPValue: 0.04 })).state).toBe('ok');
  });
});

test('p-values are adjusted over the features tested together', () => {
  const window = usualCounts();
  window.features.column(REGION).set([545, 455]);
  // Pooled z test: .045 / sqrt(.5225 * .4775 * 2 / 1000) = 2.0145, two-sided p = .0440; of three tests, .1319.
  expect(evaluate(window).features[0]!.pValue).toBeCloseTo(0.044, 3);
  const all = evaluate(window, testContext());
  expect(all.features.map(({ feature }) => feature)).toEqual(['age', 'region', 'income']);
  expect(all.features[1]!.pValue).toBeCloseTo(0.1319, 3);
});

describe('numeric features', () => {
  const top = SPREAD.filter((x) => x >= 80);
  const window = emptyCounts(1_000);
  for (let i = 0; i < 5; i++) addValues(window.features, AGE, ageBins, top);
  const found = evaluate(window, testContext({ columns: [age] })).features[0]!;

  test('only the highest fifth is left', () => {
    // D: below 80 lie four fifths of the baseline and nothing of the window. KL: two of ten deciles have 500.5/1005 instead of .1.
    expect(found.ksStatistic).toBeCloseTo(0.8, 12);
    expect(found.ksStatisticUpper).toBeGreaterThanOrEqual(0.8);
    const kl = (2 * 500.5 * Math.log(5005 / 1005) + 8 * 0.5 * Math.log(5 / 1005)) / 1005;
    expect(found.klDivergence).toBeCloseTo(kl, 9);
    expect(found).toMatchObject({ kind: 'numeric', verdict: 'significant', samples: 1_000, baselineSamples: 1_000 });
    expect(found.pValue).toBeLessThan(1e-12);
  });

  test('the Wasserstein distance is the shift in standard deviations', () => {
    // Means 49.95 and 89.95; the deviation of 0, 0.1 ... 99.9 is sqrt((1000^2 - 1) / 12) / 10 = 28.867.
    expect(Math.abs(found.wasserstein / (40 / 28.867) - 1)).toBeLessThan(0.01);
  });
});

test('the score is half the worst feature, half the mean of the judged ones', () => {
  const window = usualCounts();
  window.features.column(REGION).set([750, 250]);
  const found = evaluate(window, testContext());
  const worst = 100 * (1 - klOf(750, 250, 0) / 0.6);
  expect(found.score).toBeCloseTo((worst + (worst + 100 + 100) / 3) / 2, 9);
});

describe('data drift without data', () => {
  const late = testContext({
    columns: [region],
    scheme: { ...target.scheme, features: target.scheme.features.slice(0, 1) },
  });
  const missing = emptyCounts(5_000);
  addCode(missing.features, REGION, MISSING, 5_000);
  const few = 'no feature has 100 values in the window (99 predictions) and a baseline to compare with';
  const none = 'no feature has 100 values in the window (5000 predictions) and a baseline to compare with';
  test.each([
    ['an empty window', emptyCounts(), regionOnly, few.replace('99', '0')],
    ['one value too few', regions(99, 0), regionOnly, few],
    ['only missing values', missing, regionOnly, none],
    ['no features', regions(500, 500), testContext({ columns: [] }), 'the predictions carry no features'],
    ['no baseline', regions(900, 100), testContext({ baseline: null }), 'there is no baseline yet'],
    [
      'an empty baseline',
      regions(4_000, 1_000),
      testContext({ columns: [region], baseline: baselineOf(emptyCounts()) }),
      none,
    ],
    ['a feature that joined later', regions(4_000, 1_000), late, none],
  ])('%s', (_name, window, context, reason) => {
    const found = evaluate(window, context);
    expect(found.state).toBe('insufficient_data');
    expect(found.score).toBeNaN();
    expect(found.reason).toBe(reason);
    for (const { verdict, klDivergence } of found.features) {
      expect(verdict).toBe('insufficient_data');
      expect(klDivergence).toBeNaN();
    }
  });

  test('a feature without data does not hide the others', () => {
    const found = evaluate(regions(900, 100), testContext());
    expect(found.features.map(({ verdict }) => verdict)).toEqual([
      'insufficient_data',
      'significant',
      'insufficient_data',
    ]);
    expect(found.state).toBe('alert');
  });
});

test('property: the score is 0..100 and never rises with the shift', () => {
  fc.assert(
    fc.property(fc.integer({ min: 50, max: 2_000 }), fc.nat(1_000), fc.nat(1_000), (half, a, b) => {
      const score = (shift: number) =>
        evaluate(regions(half + Math.min(shift, half), half - Math.min(shift, half))).score;
      const nearer = score(Math.min(a, b));
      const further = score(Math.max(a, b));
      expect(nearer).toBeGreaterThanOrEqual(further);
      expect(further).toBeGreaterThanOrEqual(0);
      expect(nearer).toBeLessThanOrEqual(100);
    }),
  );
});

describe("Cramér's V", () => {
  test('of categories, by hand', () => {
    // 2,000 (500 * 100 - 500 * 900)^2 / (1,000 * 1,000 * 1,400 * 600) = 380.95 of 2,000
    expect(evaluate(regions(900, 100)).features[0]!.cramersV).toBeCloseTo(Math.sqrt(380.952381 / 2_000), 6);
  });

  test('of numbers of few values, which chi-square compares; none of others, which the KS test does', () => {
    const grades = buildNumericBins(Float64Array.from({ length: 1_000 }, (_, i) => i % 2));
    const scheme = { ...target.scheme, features: [grades, ...target.scheme.features.slice(1)] };
    const then = emptyCounts(1_000);
    const now = emptyCounts(1_000);
    addValues(then.features, AGE, grades, [...Array<number>(500).fill(0), ...Array<number>(500).fill(1)]);
    addValues(now.features, AGE, grades, [...Array<number>(900).fill(0), ...Array<number>(100).fill(1)]);
    const few = evaluate(now, testContext({ columns: [age], scheme, baseline: baselineOf(then) })).features[0]!;
    expect(few.cramersV).toBeCloseTo(Math.sqrt(380.952381 / 2_000), 6);
    expect([few.ksStatistic, few.ksStatisticUpper]).toEqual([0.4, 0.4]);
    expect(evaluate(usualCounts(), testContext({ columns: [age] })).features[0]!.cramersV).toBeNaN();
  });
});
