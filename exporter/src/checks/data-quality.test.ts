import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import {
  addCode,
  addValues,
  AGE,
  baselineOf,
  emptyCounts,
  HOUR,
  REGION,
  SPREAD,
  target,
  testContext,
} from '../../test/support/model-counts.ts';
import type { FeatureSettings } from '../domain/settings.ts';
import { buildNumericBins, MISSING, nextDown, NOT_FINITE, TYPE_ERROR } from '../histogram/bin-scheme.ts';
import { anyCategory, OTHER } from '../histogram/categories.ts';
import { ABSENT } from '../histogram/model-columns.ts';
import type { ModelContext, ModelCounts } from './check.ts';
import { dataQuality } from './data-quality.ts';

const DAY = 24 * HOUR;
const [age, region] = [target.features[0]!, target.features[1]!];
/** Ages 0 ... 99.9 are valid from 10 to 80, and outliers at or below -50 and above 150. */
const fences = [nextDown(-50), 150] as const;
const bins = buildNumericBins(Float64Array.from(SPREAD), { mustHaveEdges: [nextDown(10), 80, ...fences] });
const scheme = { ...target.scheme, features: [bins, target.scheme.features[1]!], outlierFences: [fences, null] };
const features = new Map<string, FeatureSettings>([['age', { type: 'numeric', min: 10, max: 80 }]]);

/** `good` usual values, and `bad` of the code. */
function rows(column: number, code: number, bad: number, good: number): ModelCounts {
  const counts = emptyCounts(good + bad, 4);
  if (column === AGE)
    addValues(
      counts.features,
      AGE,
      bins,
      Array.from({ length: good }, () => 50),
    );
  else addCode(counts.features, REGION, 0, good);
  addCode(counts.features, column, code, bad);
  return counts;
}

function contextOf(
  baseline: ModelCounts | null,
  columns = [age, region],
  more: Partial<ModelContext> = {},
): ModelContext {
  const known = baseline === null ? null : baselineOf(baseline);
  return testContext({ baseline: known, columns, scheme, ...more }, { features });
}
const ageOnly = contextOf(rows(AGE, MISSING, 0, 1_000), [age]);
const evaluate = (window: ModelCounts, context = ageOnly) => dataQuality.evaluate(context, window, DAY);

test.each([
  ['far below the threshold, but surely', 100, 9_900, 0.01],
  ['perhaps by chance', 2, 998, 0],
  ['none', 0, 1_000, 0],
])('the largest share of issues: %s', (_case, bad, good, excess) => {
  expect(evaluate(rows(AGE, MISSING, bad, good))).toMatchObject({ largestExcess: excess, issues: [] });
});

describe('missing values, threshold 0.05, none in the baseline', () => {
  test.each([
    ['none', 0, 1_000, 'ok', 100, 0],
    ['half the threshold exactly', 25, 975, 'ok', 75, 0],
    ['just above half of it', 26, 974, 'warning', 74, 1],
    ['the threshold exactly', 50, 950, 'warning', 50, 1],
    ['just above it', 51, 949, 'alert', 49, 1],
    ['twice', 100, 900, 'alert', 0, 1],
    ['all', 1_000, 0, 'alert', 0, 1],
    ['enough to alert exactly', 100, 400, 'alert', 0, 1],
    ['one too few to alert', 100, 399, 'warning', 0, 1],
    ['enough to report exactly', 0, 100, 'ok', 100, 0],
  ])('%s', (_name, bad, good, state, score, issues) => {
    const found = evaluate(rows(AGE, MISSING, bad, good));
    expect(found.state).toBe(state);
    expect(found.score).toBeCloseTo(score, 6);
    expect(found.issues).toHaveLength(issues);
    expect(found).toMatchObject({ samples: bad + good, reason: null, windowMs: DAY });
  });
});

describe('against the share of the baseline', () => {
  const third = contextOf(rows(AGE, MISSING, 300, 700), [age]);
  test('the same share is no news', () => {
    expect(evaluate(rows(AGE, MISSING, 300, 700), third)).toMatchObject({ state: 'ok', score: 100, issues: [] });
  });
  test('a lower one is none either', () => {
    expect(evaluate(rows(AGE, MISSING, 10, 990), third)).toMatchObject({ state: 'ok', score: 100 });
  });
  test('a higher one is', () => {
    const found = evaluate(rows(AGE, MISSING, 400, 600), third);
    expect(found.state).toBe('alert');
    expect(found.issues).toEqual([{ type: 'missing', feature: 'age', share: 0.4, baselineShare: 0.3 }]);
  });
  test('a rise that may be chance is shown, and no alert', () => {
    // z = .06 / sqrt(.31 * .69 * (1/200 + 1/1000)) = 1.7
    const found = evaluate(rows(AGE, MISSING, 72, 128), third);
    expect(found.state).toBe('ok');
    expect(found.issues).toHaveLength(1);
    expect(found.score).toBeCloseTo(40, 6);
  });
  test('without a baseline it is nought', () => {
    const found = evaluate(rows(AGE, MISSING, 400, 600), contextOf(null, [age]));
    expect(found.state).toBe('alert');
    expect(found.issues[0]).toMatchObject({ share: 0.4, baselineShare: 0 });
  });
});

describe('kinds of issues', () => {
  const at = (value: number) => bins.edges.filter((edge) => edge < value).length;
  test.each([
    ['a wrong type', AGE, TYPE_ERROR, ['type_error']],
    ['not finite', AGE, NOT_FINITE, ['out_of_range']],
    ['below the range', AGE, at(9.9), ['out_of_range']],
    ['the least of the range', AGE, at(10), []],
    ['the most of the range', AGE, at(80), []],
    ['above the range', AGE, at(80.1), ['out_of_range']],
    ['within the upper fence', AGE, at(149), ['out_of_range']],
    ['beyond the upper fence', AGE, at(151), ['out_of_range', 'outlier']],
    ['beyond the lower fence', AGE, at(-60), ['out_of_range', 'outlier']],
    ['a known category', REGION, 1, []],
    ['an unseen category', REGION, OTHER, ['unseen_category']],
    ['a category of the wrong type', REGION, TYPE_ERROR, ['type_error']],
  ])('%s', (_name, column, code, types) => {
    const feature = column === AGE ? age : region;
    const found = evaluate(rows(column, code, 300, 700), contextOf(rows(column, MISSING, 0, 1_000), [feature]));
    expect(found.issues.map(({ type }) => type).sort()).toEqual(types);
    for (const issue of found.issues)
      expect(issue).toMatchObject({ feature: feature.name, share: 0.3, baselineShare: 0 });
    expect(found.state).toBe(types.length > 0 ? 'alert' : 'ok');
  });

  test('without a baseline every category is new, and none an issue', () => {
    const unfrozen = { scheme: { ...scheme, features: [bins, anyCategory()] } };
    const found = evaluate(rows(REGION, OTHER, 300, 700), contextOf(null, [region], unfrozen));
    expect(found).toMatchObject({ state: 'ok', issues: [] });
  });
});

test('the worst feature counts, and comes first', () => {
  const window = emptyCounts(1_000, 4);
  addValues(
    window.features,
    AGE,
    bins,
    Array.from({ length: 960 }, () => 50),
  );
  addCode(window.features, AGE, MISSING, 40);
  addCode(window.features, REGION, 0, 930);
  addCode(window.features, REGION, OTHER, 70);
  const found = evaluate(window, contextOf(null));
  expect(found.issues.map(({ feature, type }) => `${feature} ${type}`)).toEqual([
    'region unseen_category',
    'age missing',
  ]);
  expect(found.score).toBeCloseTo(30, 6);
});

describe('data quality without data', () => {
  const few = '99 predictions in the window, 100 are needed';
  test.each([
    ['an empty window', emptyCounts(), ageOnly, few.replace('99', '0')],
    ['one too few', rows(AGE, MISSING, 99, 0), ageOnly, few],
    ['no features', rows(AGE, MISSING, 0, 500), contextOf(null, []), 'the predictions carry no features'],
    [
      'features newer than the rows',
      rows(AGE, ABSENT, 500, 0),
      ageOnly,
      'no feature has 100 rows in the window (500 predictions)',
    ],
    [
      'features newer than almost all rows',
      rows(AGE, ABSENT, 500, 99),
      ageOnly,
      'no feature has 100 rows in the window (599 predictions)',
    ],
  ])('%s', (_name, window, context, reason) => {
    const found = evaluate(window, context);
    expect(found).toMatchObject({ state: 'insufficient_data', reason, issues: [] });
    expect(found.score).toBeNaN();
  });

  test('an alert needs enough rows of the feature, not of the version', () => {
    const window = rows(REGION, OTHER, 0, 1_000);
    addCode(window.features, AGE, ABSENT, 501);
    addCode(window.features, AGE, MISSING, 499);
    expect(evaluate(window, contextOf(null)).state).toBe('warning');
    addCode(window.features, AGE, MISSING, 1);
    expect(evaluate(window, contextOf(null)).state).toBe('alert');
  });

  test('a feature with few rows does not judge the version', () => {
    const window = rows(REGION, OTHER, 0, 1_000);
    addCode(window.features, AGE, ABSENT, 990);
    addCode(window.features, AGE, MISSING, 10);
    expect(evaluate(window, contextOf(null))).toMatchObject({ state: 'ok', score: 100, issues: [] });
  });
});

test('property: the score is 0..100 and never rises with the issues', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 3_000 }), fc.nat(3_000), fc.nat(100), (n, some, more) => {
      const bad = Math.min(n, some);
      const better = evaluate(rows(AGE, TYPE_ERROR, bad, n - bad)).score;
      const worse = evaluate(rows(AGE, TYPE_ERROR, Math.min(n, bad + more), n - Math.min(n, bad + more))).score;
      expect(better).toBeGreaterThanOrEqual(worse);
      expect(worse).toBeGreaterThanOrEqual(0);
      expect(better).toBeLessThanOrEqual(100);
    }),
    { numRuns: 50 },
  );
});
