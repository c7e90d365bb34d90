import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { rankCorrelation } from './spearman.ts';

// scipy.stats.spearmanr of SciPy 1.10.1; ends: tanh(arctanh(r) ± norm.ppf(.975) sqrt((1 + r²/2) / (n - 3))).
test.each([
  [
    'accuracy and revenue that go together',
    [91.2, 88.4, 90.1, 85, 79.3, 82.2, 86.6, 93, 90.8, 84.1],
    [0.121, 0.118, 0.125, 0.11, 0.099, 0.112, 0.115, 0.13, 0.119, 0.101],
    [0.9272727272727272, 0.6367771214657145, 0.9872480476518203],
  ],
  [
    'ties on both sides, the other way',
    [1, 2, 2, 3, 3, 3, 4, 5, 5, 6, 7, 7],
    [5, 3, 4, 4, 2, 2, 2, 1, 3, 0, 1, -1],
    [-0.8548387096774194, -0.9665672763483948, -0.4702978730109587],
  ],
  [
    'nothing much',
    [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8],
    [2, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5],
    [0.1415796863640157, -0.4730946598459608, 0.6635469204756993],
  ],
  [
    'one swap short of perfect',
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 0, 2, 3, 4, 5, 6, 7, 8, 9],
    [0.9878787878787878, 0.928347748279914, 0.9980007667478065],
  ],
])('%s matches SciPy', (_name, a, b, [coefficient, lower, upper]) => {
  const found = rankCorrelation(a, b);
  expect(found.pairs).toBe(a.length);
  expect(found.coefficient).toBeCloseTo(coefficient!, 12);
  expect(found.lower).toBeCloseTo(lower!, 12);
  expect(found.upper).toBeCloseTo(upper!, 12);
});

test('a perfect order of few pairs is not certainty', () => {
  const { coefficient, lower, upper } = rankCorrelation([1, 2, 3, 4, 5], [2, 3, 5, 8, 13]);
  expect([coefficient, upper]).toEqual([1, 1]);
  expect(lower).toBeLessThan(0.3);
  const down = rankCorrelation([1, 2, 3, 4, 5], [5, 4, 3, 2, 1]);
  expect([down.coefficient, down.lower, down.upper]).toEqual([-1, -1, -lower]);
});

test.each([
  ['no pairs', [], []],
  ['three pairs', [1, 2, 3], [1, 2, 3]],
  ['one side stands still', [1, 2, 3, 4, 5], [7, 7, 7, 7, 7]],
])('%s: no coefficient', (_name, a, b) => {
  expect(rankCorrelation(a, b)).toEqual({ pairs: a.length, coefficient: NaN, lower: NaN, upper: NaN });
});

test('unequal lengths are a mistake', () => {
  expect(() => rankCorrelation([1], [])).toThrow(RangeError);
});

const pairs = fc.array(fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 })), {
  minLength: 4,
  maxLength: 40,
});

test('any rising function of a side changes nothing, a falling one turns the sign; the interval holds the coefficient', () => {
  fc.assert(
    fc.property(pairs, (all) => {
      const [a, b] = [all.map(([x]) => x), all.map(([, y]) => y)];
      const found = rankCorrelation(a, b);
      expect(
        rankCorrelation(
          a.map((x) => x ** 3),
          b,
        ),
      ).toEqual(found);
      const turned = rankCorrelation(
        a,
        b.map((y) => -y),
      );
      expect(turned.coefficient + found.coefficient || 0).toBeCloseTo(0, 12);
      if (Number.isNaN(found.coefficient)) return;
      expect(found.lower).toBeLessThanOrEqual(found.coefficient);
      expect(found.upper).toBeGreaterThanOrEqual(found.coefficient);
      expect(Math.max(Math.abs(found.lower), Math.abs(found.upper))).toBeLessThanOrEqual(1);
    }),
  );
});

describe('covers the true correlation of normal pairs in about 95 of 100 samples', () => {
  test.each([
    [8, 0],
    [8, 0.6],
    [26, 0.6],
  ])('%i pairs, r = %f', (n, r) => {
    let state = 7;
    const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) + 0.5) / 2 ** 32;
    const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const truth = (6 / Math.PI) * Math.asin(r / 2);
    let covered = 0;
    for (let trial = 0; trial < 4_000; trial++) {
      const a = Array.from({ length: n }, normal);
      const b = a.map((x) => r * x + Math.sqrt(1 - r * r) * normal());
      const { lower, upper } = rankCorrelation(a, b);
      if (lower <= truth && truth <= upper) covered++;
    }
    expect(covered / 4_000).toBeGreaterThan(0.935);
    expect(covered / 4_000).toBeLessThan(0.985);
  });
});
