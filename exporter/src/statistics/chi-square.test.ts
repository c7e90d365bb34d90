import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { reference } from '../../test/fixtures/scipy-reference.ts';
import { chi2Quantile, chi2Sf, contingencyTest, cramersV } from './chi-square.ts';

describe('chi2Sf', () => {
  test.each(Object.entries(reference.chi2sf))('sf(%s) is SciPy’s', (key, expected) => {
    const [x, df] = key.split(',').map(Number) as [number, number];
    expect(Math.abs(chi2Sf(x, df) / expected - 1)).toBeLessThan(1e-10);
  });
  test('edges', () => {
    expect(chi2Sf(0, 3)).toBe(1);
    expect(chi2Sf(Infinity, 3)).toBe(0);
    expect(chi2Sf(1, 0)).toBeNaN();
    expect(chi2Sf(NaN, 2)).toBeNaN();
  });
  test('two degrees of freedom are exp(-x/2)', () => {
    for (const x of [0.1, 1, 2, 3.9, 4.1, 10, 100]) expect(chi2Sf(x, 2) / Math.exp(-x / 2)).toBeCloseTo(1, 12);
  });
});

describe('chi2Quantile', () => {
  // SciPy 1.17.1, scipy.stats.chi2.ppf.
  test.each([
    [0.95, 1, 3.841458820694124],
    [0.1, 38.2, 27.513361250925062],
    [0.9999, 9, 33.719948438964906],
    [0.99999, 199, 295.7837819208868],
    [0.001, 4, 0.09080403553897909],
    [0.5, 1, 0.454936423119572],
    [0.999999, 1, 23.92812697687947],
  ])('%d with %d degrees of freedom is SciPy’s', (p, df, expected) => {
    expect(Math.abs(chi2Quantile(p, df) / expected - 1)).toBeLessThan(1e-9);
  });
  test('is where chi2Sf says', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 0.999, noNaN: true }),
        fc.double({ min: 1, max: 5_000, noNaN: true }),
        (tail, df) => {
          expect(Math.abs(chi2Sf(chi2Quantile(1 - tail, df), df) / tail - 1)).toBeLessThan(1e-6);
        },
      ),
    );
  });
});

describe('contingencyTest', () => {
  test('values that repeat count for as many as they stand for', () => {
    const counted = (times: number) => [10, 20, 30, 25, 15].map((count) => count * times);
    const moved = (times: number) => [5, 10, 20, 30, 35].map((count) => count * times);
    const once = contingencyTest(counted(1), moved(1), 5);
    const thrice = contingencyTest(counted(3), moved(3), 5, 3);
    expect(thrice.pValue).toBeCloseTo(once.pValue, 12);
    // Cells are merged as if they held a third.
    expect(contingencyTest([60, 60, 9, 9], [60, 60, 9, 9], 4, 3).degreesOfFreedom).toBe(2);
  });

  test('matches chi2_contingency where nothing needs merging', () => {
    const [statistic, pValue, df] = reference.hist5.chi2;
    const result = contingencyTest([10, 20, 30, 25, 15], [5, 10, 20, 30, 35], 5);
    expect(result.statistic).toBeCloseTo(statistic, 10);
    expect(result.pValue).toBeCloseTo(pValue, 12);
    expect(result.degreesOfFreedom).toBe(df);
    expect(cramersV(result.statistic, 100, 100)).toBeCloseTo(reference.hist5.cramerV, 12);
  });
  test('leaves empty cells out', () => {
    const result = contingencyTest([10, 0, 20, 30, 25, 15, 0], [5, 0, 10, 20, 30, 35, 0], 7);
    expect(result.degreesOfFreedom).toBe(4);
    expect(result.statistic).toBeCloseTo(reference.hist5.chi2[0], 10);
  });
  test('merges the smallest cells until at most a fifth of the expected counts are small', () => {
    // Expected counts of the rare cells are 1.5 in both rows: 8 of 12 are small, then 6 of 10, 4 of 8, and none of 6.
    const merged = contingencyTest([100, 90, 1, 2, 1, 2], [90, 100, 2, 1, 2, 1], 6);
    const plain = contingencyTest([100, 90, 6], [90, 100, 6], 3);
    expect(merged.degreesOfFreedom).toBe(2);
    expect(merged.statistic).toBeCloseTo(plain.statistic, 12);
  });
  test('one lone unseen value is no drift', () => {
    expect(contingencyTest([10_000, 0], [499, 1], 2)).toEqual({ statistic: 0, degreesOfFreedom: 0, pValue: 1 });
  });
  test('a constant feature cannot differ; an empty side is undefined', () => {
    expect(contingencyTest([50], [70], 1)).toEqual({ statistic: 0, degreesOfFreedom: 0, pValue: 1 });
    expect(contingencyTest([0, 0], [1, 2], 2).pValue).toBeNaN();
  });
  test('a constant feature that became another constant differs', () => {
    expect(contingencyTest([10_000, 0], [0, 500], 2).pValue).toBeLessThan(1e-100);
  });
  test('property: merging keeps to the rule and p is a probability', () => {
    const counts = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(counts, counts, (b, c) => {
        const { pValue, degreesOfFreedom } = contingencyTest(b, c, 12);
        if (b.every((x) => x === 0) || c.every((x) => x === 0)) return Number.isNaN(pValue);
        return pValue >= 0 && pValue <= 1 && degreesOfFreedom >= 0 && degreesOfFreedom <= 11;
      }),
    );
  });
  test('under no drift p is below .05 in about 5 % of windows', () => {
    let state = 1;
    const uniform = (): number => (state = (Math.imul(1664525, state) + 1013904223) >>> 0) / 2 ** 32;
    const draw = (n: number): number[] => {
      const counts = Array<number>(8).fill(0);
      for (let i = 0; i < n; i++) counts[Math.floor(8 * uniform() ** 2)]! += 1;
      return counts;
    };
    let low = 0;
    for (let k = 0; k < 1000; k++) if (contingencyTest(draw(1000), draw(200), 8).pValue < 0.05) low++;
    expect(low).toBeGreaterThan(25);
    expect(low).toBeLessThan(80);
  });
});
