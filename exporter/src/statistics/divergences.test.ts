import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { countByBin, lcgSamples, reference } from '../../test/fixtures/scipy-reference.ts';
import { jensenShannonDistance } from './jensen-shannon.ts';
import { coarsen, klDivergence } from './kullback-leibler.ts';
import { populationStabilityIndex } from './population-stability.ts';
import { totalVariation } from './chi-square.ts';

const BASELINE = [10, 20, 30, 25, 15];
const CURRENT = [5, 10, 20, 30, 35];

test('five cells without smoothing match SciPy', () => {
  const expected = reference.hist5;
  expect(klDivergence(BASELINE, CURRENT, 5, 0)).toBeCloseTo(expected.KL_cb, 12);
  expect(klDivergence(CURRENT, BASELINE, 5, 0)).toBeCloseTo(expected.KL_bc, 12);
  expect(populationStabilityIndex(BASELINE, CURRENT, 5, 0)).toBeCloseTo(expected.PSI, 12);
  expect(jensenShannonDistance(BASELINE, CURRENT, 5, 0)).toBeCloseTo(expected.JS_dist_base2, 12);
});

test('an empty baseline cell: finite with Jeffreys smoothing, infinite without', () => {
  expect(klDivergence([50, 50, 0], [45, 45, 10], 3)).toBeCloseTo(reference.hist_zero_jeffreys.KL_cb, 12);
  expect(populationStabilityIndex([50, 50, 0], [45, 45, 10], 3)).toBeCloseTo(reference.hist_zero_jeffreys.PSI, 12);
  expect(klDivergence([50, 50, 0], [45, 45, 10], 3, 0)).toBe(Infinity);
});

describe.each([
  [10, reference.lcg_K10],
  [20, reference.lcg_K20],
])('reference samples on %i quantile cells', (cells, expected) => {
  const { baseline, current } = lcgSamples();
  const sorted = Float64Array.from(baseline).sort();
  const edges = Array.from({ length: cells - 1 }, (_, k) => sorted[Math.ceil(((k + 1) * 10_000) / cells) - 1]!);
  const b = countByBin(baseline, edges);
  const c = countByBin(current, edges);
  test('have the reference counts', () => expect([...c]).toEqual(expected.counts_cur));
  test.each([
    ['KL', klDivergence(b, c, cells, 0), expected.KL_cb],
    ['KL reversed', klDivergence(c, b, cells, 0), expected.KL_bc],
    ['KL smoothed', klDivergence(b, c, cells), expected.KL_cb_jeff],
    ['PSI', populationStabilityIndex(b, c, cells, 0), expected.PSI],
    ['PSI smoothed', populationStabilityIndex(b, c, cells), expected.PSI_jeff],
    ['Jensen-Shannon', jensenShannonDistance(b, c, cells, 0), expected.JSdist2],
    ['total variation', totalVariation(b, c, cells), expected.TV],
  ])('%s', (_, actual, value) => expect(actual).toBeCloseTo(value, 12));
});

test('coarsen adds bins up, overwrites what was there and reads nothing beyond the map', () => {
  const out = new Float64Array([9, 9, 9]);
  expect([...coarsen([1, 2, 3, 4, 99], Uint8Array.of(0, 0, 1, 1), 2, out)]).toEqual([3, 7, 9]);
});

test('an empty side is undefined', () => {
  for (const statistic of [klDivergence, populationStabilityIndex, jensenShannonDistance, totalVariation]) {
    expect(statistic([0, 0], [1, 2], 2)).toBeNaN();
    expect(statistic([1, 2], [0, 0], 2)).toBeNaN();
  }
});

test('property: never negative, 0 for equal shares, PSI = KL both ways, distances within 0..1 and symmetric', () => {
  const counts = fc
    .array(fc.integer({ min: 0, max: 1000 }), { minLength: 4, maxLength: 4 })
    .filter((c) => c.some((x) => x > 0));
  fc.assert(
    fc.property(counts, counts, (b, c) => {
      const kl = klDivergence(b, c, 4);
      const js = jensenShannonDistance(b, c, 4);
      expect(kl).toBeGreaterThanOrEqual(0);
      expect(populationStabilityIndex(b, c, 4)).toBeCloseTo(kl + klDivergence(c, b, 4), 9);
      expect(js).toBeGreaterThanOrEqual(0);
      expect(js).toBeLessThanOrEqual(1);
      expect(js).toBeCloseTo(jensenShannonDistance(c, b, 4), 9);
      expect(totalVariation(b, c, 4)).toBeCloseTo(totalVariation(c, b, 4), 12);
      expect(klDivergence(b, b, 4)).toBeCloseTo(0, 12);
      expect(jensenShannonDistance(b, b, 4)).toBeCloseTo(0, 6);
    }),
  );
});

test('disjoint samples are at distance 1', () => {
  expect(jensenShannonDistance([5, 0], [0, 7], 2, 0)).toBe(1);
  expect(totalVariation([5, 0], [0, 7], 2)).toBe(1);
});
