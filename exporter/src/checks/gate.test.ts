import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { INSUFFICIENT, SIGNIFICANT_P, stateOf, tooFew } from './gate.ts';
import { ramp, worse } from './ramp.ts';

describe('stateOf', () => {
  test.each([
    ['nothing found', false, false, 500, 500, 'ok'],
    ['half the threshold', false, true, 500, 500, 'warning'],
    ['beyond it, enough samples', true, true, 500, 500, 'alert'],
    ['beyond it, one sample short', true, true, 499, 500, 'warning'],
    ['an alert need not be a warning too', true, false, 500, 500, 'alert'],
    ['a warning asks for no samples', false, true, 1, 500, 'warning'],
  ] as const)('%s', (_name, alert, warning, samples, needed, state) => {
    expect(stateOf({ alert, warning, samples }, needed)).toBe(state);
  });
});

describe('tooFew', () => {
  const minimum = { report: 100, alert: 500, labels: 200 };
  test.each([
    ['none', 0, '0 rows in the window, 100 are needed'],
    ['one short', 99, '99 rows in the window, 100 are needed'],
    ['enough', 100, null],
    ['more', 101, null],
  ])('%s', (_name, samples, reason) => expect(tooFew(samples, minimum, 'rows')).toBe(reason));
});

test('without data there is no score', () => {
  expect(INSUFFICIENT.state).toBe('insufficient_data');
  expect(INSUFFICIENT.score).toBeNaN();
  expect(SIGNIFICANT_P).toBe(0.001);
});

describe('ramp', () => {
  test.each([
    ['better than before', -1, 0.05, 100],
    ['no change', 0, 0.05, 100],
    ['half the threshold', 0.025, 0.05, 75],
    ['the threshold', 0.05, 0.05, 50],
    ['one and a half', 0.075, 0.05, 25],
    ['twice', 0.1, 0.05, 0],
    ['far beyond', 7, 0.05, 0],
    ['endless', Infinity, 0.05, 0],
  ])('%s', (_name, observed, threshold, score) => expect(ramp(observed, threshold)).toBeCloseTo(score, 9));

  test('unknown stays unknown', () => expect(ramp(NaN, 0.05)).toBeNaN());

  test('property: 0..100, and never rises', () => {
    const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(finite, finite, fc.double({ min: 1e-6, max: 100, noNaN: true }), (a, b, threshold) => {
        const better = ramp(Math.min(a, b), threshold);
        const worst = ramp(Math.max(a, b), threshold);
        expect(better).toBeGreaterThanOrEqual(worst);
        expect(better).toBeLessThanOrEqual(100);
        expect(worst).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

test.each([
  ['the lower', 3, 2, 2],
  ['the lower, other way round', 2, 3, 2],
  ['only the first applies', 3, NaN, 3],
  ['only the second applies', NaN, 0, 0],
  ['neither', NaN, NaN, NaN],
])('worse: %s', (_name, a, b, expected) => expect(worse(a, b)).toBe(expected));
