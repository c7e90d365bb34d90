import { expect, test } from '@jest/globals';
import { regularisedBeta } from './beta-function.ts';
import { logGamma, upperGamma } from './gamma-function.ts';

test('logGamma is the logarithm of the factorial, and of sqrt(pi) at a half', () => {
  let logFactorial = 0;
  for (let n = 1; n <= 170; n++) {
    expect(Math.abs(logGamma(n) - logFactorial)).toBeLessThan(1e-13 * Math.max(1, logFactorial));
    logFactorial += Math.log(n);
  }
  expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 14);
  expect(logGamma(1e-8)).toBeCloseTo(-Math.log(1e-8) - 0.5772156649e-8, 12);
  expect([logGamma(0), logGamma(-1), logGamma(NaN)]).toEqual([Infinity, NaN, NaN]);
});

test('upperGamma of whole a is a Poisson sum, in both of its forms', () => {
  for (const a of [1, 2, 5, 20]) {
    for (const x of [0.1, 1, a, a + 0.9, a + 1.1, 3 * a, 50]) {
      let term = Math.exp(-x);
      let sum = term;
      for (let k = 1; k < a; k++) {
        term *= x / k;
        sum += term;
      }
      expect(upperGamma(a, x) / sum).toBeCloseTo(1, 11);
    }
  }
});

test('regularisedBeta: closed forms and symmetry', () => {
  for (const x of [0, 0.001, 0.2, 0.5, 0.77, 0.999, 1]) {
    expect(regularisedBeta(x, 1, 3)).toBeCloseTo(1 - (1 - x) ** 3, 13);
    expect(regularisedBeta(x, 4, 1)).toBeCloseTo(x ** 4, 13);
    expect(regularisedBeta(x, 2.5, 0.5)).toBeCloseTo(1 - regularisedBeta(1 - x, 0.5, 2.5), 12);
  }
  expect([regularisedBeta(2, 1, 1), regularisedBeta(0.5, 0, 1), regularisedBeta(NaN, 1, 1)]).toEqual([NaN, NaN, NaN]);
});
