import { expect, test } from '@jest/globals';
import { reference } from '../../test/fixtures/scipy-reference.ts';
import { wilsonInterval } from './intervals.ts';
import { normalQuantile, normalSf } from './normal-distribution.ts';

test.each([
  [0, 10, reference.wilson_0_10],
  [8, 10, reference.wilson_8_10],
  [95, 100, reference.wilson_95_100],
  [9500, 10_000, reference.wilson_9500_10000],
])('Wilson interval of %i of %i', (k, n, [lower, upper]) => {
  const interval = wilsonInterval(k, n);
  expect(interval.lower).toBeCloseTo(lower, 12);
  expect(interval.upper).toBeCloseTo(upper, 12);
});

test('ends stay within 0..1; no trials are undefined; more confidence is wider', () => {
  expect(wilsonInterval(10, 10).upper).toBe(1);
  expect(wilsonInterval(0, 0)).toEqual({ lower: NaN, upper: NaN });
  expect(wilsonInterval(8, 10, 0.99).lower).toBeLessThan(wilsonInterval(8, 10).lower);
});

test.each([
  [0.975, 1.959963984540054],
  [0.5, 0],
  [0.001, -3.090232306167813],
  [1e-10, -6.361340902404056],
  [1e-100, -21.27345356096585],
])('normal quantile of %f', (p, z) => {
  expect(normalQuantile(p)).toBeCloseTo(z, 11);
});

test('quantile and survival function are inverse, and saturate', () => {
  for (const p of [1e-300, 1e-20, 1e-6, 0.01, 0.2, 0.5, 0.8, 0.999])
    expect(normalSf(-normalQuantile(p)) / p).toBeCloseTo(1, 10);
  expect([normalQuantile(0), normalQuantile(1), normalQuantile(-1), normalSf(NaN)]).toEqual([
    -Infinity,
    Infinity,
    NaN,
    NaN,
  ]);
  expect([normalSf(-Infinity), normalSf(Infinity)]).toEqual([1, 0]);
});
