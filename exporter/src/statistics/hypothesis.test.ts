import { describe, expect, test } from '@jest/globals';
import { irwinHall } from '../../test/fixtures/scipy-reference.ts';
import { studentTSf, twoProportionPValue, welchPValue } from './hypothesis.ts';
import { addMoment, emptyMoments, sampleVariance } from './regression.ts';
import { normalSf } from './normal-distribution.ts';

describe('studentTSf', () => {
  // Tables of the t distribution (for example NIST/SEMATECH e-Handbook, 1.3.6.7.2).
  test.each([
    [2.2281388519649385, 10, 0.025],
    [12.706204736432095, 1, 0.025],
    [1.6448536269514722, 1e9, 0.05],
    [3.169272672616872, 10, 0.005],
  ])('sf(%f, %f)', (t, df, expected) => expect(studentTSf(t, df)).toBeCloseTo(expected, 8));
  test('one degree of freedom is Cauchy, two have a closed form', () => {
    for (const t of [-30, -1, 0, 0.3, 5, 1000]) {
      expect(studentTSf(t, 1)).toBeCloseTo(0.5 - Math.atan(t) / Math.PI, 12);
      expect(studentTSf(t, 2)).toBeCloseTo(0.5 - t / (2 * Math.sqrt(2 + t * t)), 12);
    }
  });
  test('nears the normal', () => expect(studentTSf(2, 1e7)).toBeCloseTo(normalSf(2), 6));
  test('edges', () =>
    expect([studentTSf(Infinity, 3), studentTSf(-Infinity, 3), studentTSf(NaN, 3), studentTSf(1, 0)]).toEqual([
      0,
      1,
      NaN,
      NaN,
    ]));
});

describe('twoProportionPValue', () => {
  test('60 of 100 against 50 of 100', () => {
    const z = 0.1 / Math.sqrt(0.55 * 0.45 * 0.02);
    expect(twoProportionPValue(60, 100, 50, 100)).toBeCloseTo(normalSf(z), 14);
    expect(twoProportionPValue(50, 100, 60, 100)).toBeCloseTo(1 - normalSf(z), 14);
  });
  test('equal, degenerate and empty', () => {
    expect(twoProportionPValue(5, 10, 50, 100)).toBe(0.5);
    expect(twoProportionPValue(0, 10, 0, 100)).toBe(1);
    expect(twoProportionPValue(10, 10, 100, 100)).toBe(1);
    expect(twoProportionPValue(0, 0, 1, 2)).toBeNaN();
  });
});

describe('welchPValue', () => {
  test('textbook pair: t = 2.8 / sqrt(4/10 + 9/15), df by Welch-Satterthwaite', () => {
    const df = 1 / (0.16 / 9 + 0.36 / 14);
    expect(welchPValue({ n: 10, mean: 12.8, variance: 4 }, { n: 15, mean: 10, variance: 9 })).toBeCloseTo(
      studentTSf(2.8, df),
      12,
    );
  });
  test('constant samples and too few values', () => {
    expect(welchPValue({ n: 5, mean: 2, variance: 0 }, { n: 5, mean: 1, variance: 0 })).toBe(0);
    expect(welchPValue({ n: 5, mean: 1, variance: 0 }, { n: 5, mean: 1, variance: 0 })).toBe(1);
    expect(welchPValue({ n: 1, mean: 1, variance: NaN }, { n: 5, mean: 1, variance: 1 })).toBeNaN();
  });
  test('under no difference p is below .05 in about 5 % of pairs', () => {
    const values = irwinHall(99, 40_000);
    let low = 0;
    for (let k = 0; k < 1000; k++) {
      const [a, b] = [values.subarray(k * 40, k * 40 + 15), values.subarray(k * 40 + 15, k * 40 + 40)].map((part) => {
        const moments = emptyMoments();
        part.forEach((value) => addMoment(moments, value));
        return { n: moments.n, mean: moments.mean, variance: sampleVariance(moments) };
      });
      if (welchPValue(a!, b!) < 0.05) low++;
    }
    expect(low).toBeGreaterThan(25);
    expect(low).toBeLessThan(80);
  });
});
