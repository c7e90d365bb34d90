import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  CLASSIC_BOUND_CODES,
  CLASSIC_BOUNDS_SECONDS,
  cumulativeCounts,
  LATENCY_CODES,
  latencyBucketUpperSeconds,
  latencyCode,
  latencyQuantile,
} from './latency-buckets.ts';
import { SortedCounts } from './sorted-counts.ts';

const between = (low: number, high: number): fc.Arbitrary<number> => fc.double({ min: low, max: high, noNaN: true });

function nextUp(x: number): number {
  const bits = new BigInt64Array(Float64Array.of(x).buffer);
  bits[0] = bits[0]! + 1n;
  return new Float64Array(bits.buffer)[0]!;
}

describe('latencyCode', () => {
  test('is exact and upper-inclusive at every bound', () => {
    for (let code = 0; code < LATENCY_CODES - 1; code++) {
      const bound = latencyBucketUpperSeconds(code);
      expect(latencyCode(bound)).toBe(code);
      expect(latencyCode(nextUp(bound))).toBe(code + 1);
    }
  });
  test.each([
    ['zero', 0, 0],
    ['negative', -1, 0],
    ['a denormal', 5e-324, 0],
    ['the lowest bound', 2 ** -16, 0],
    ['one second', 1, 512],
    ['the last bound of all', 2 ** 16, 1023],
    ['beyond', 1e9, 1023],
    ['infinite', Infinity, 1023],
  ])('%s', (_, seconds, code) => expect(latencyCode(seconds)).toBe(code));
  test('bounds are schema 5: 32 to the octave', () => {
    for (let code = 0; code < LATENCY_CODES - 1; code++) {
      expect(latencyBucketUpperSeconds(code) / 2 ** (code / 32 - 16)).toBeCloseTo(1, 14);
    }
    expect(latencyBucketUpperSeconds(1023)).toBe(Infinity);
  });
});

describe('latencyQuantile', () => {
  test('property: within 1.1 % of the exact quantile', () => {
    fc.assert(
      fc.property(fc.array(between(1e-4, 5e4), { minLength: 1, maxLength: 200 }), between(0, 1), (seconds, q) => {
        const counts = new SortedCounts();
        for (const value of seconds) counts.add(latencyCode(value), 1);
        const exact = [...seconds].sort((a, b) => a - b)[Math.max(0, Math.ceil(q * seconds.length) - 1)]!;
        expect(Math.abs(latencyQuantile(counts, q) / exact - 1)).toBeLessThan(0.011);
        expect(latencyQuantile(counts, q, Math.max(...seconds))).toBeLessThanOrEqual(Math.max(...seconds));
      }),
    );
  });
  test('the known maximum is the quantile of 1 and stands for the overflow bucket', () => {
    const counts = new SortedCounts().set(latencyCode(0.2), 9).set(1023, 1);
    expect(latencyQuantile(counts, 1, 90_000)).toBe(90_000);
    expect(latencyQuantile(counts, 0.99, 90_000)).toBe(90_000);
    expect(latencyQuantile(counts, 0.99)).toBe(latencyBucketUpperSeconds(1022));
    expect(latencyQuantile(counts, 0.5, 90_000)).toBeCloseTo(0.2, 2);
  });
  test('nothing measured is undefined; only zeros are at most the lowest bound', () => {
    const counts = new SortedCounts();
    expect(latencyQuantile(counts, 0.5)).toBeNaN();
    counts.set(0, 5);
    expect(latencyQuantile(counts, 0.5)).toBe(2 ** -16);
    expect(latencyQuantile(counts, 0.5, 0)).toBe(0);
  });
});

test('property: classic counts are exact', () => {
  const seconds = fc.oneof(between(0, 100), fc.constantFrom(...CLASSIC_BOUNDS_SECONDS));
  fc.assert(
    fc.property(fc.array(seconds), (values) => {
      const counts = new Map<number, number>();
      for (const value of values) counts.set(latencyCode(value), (counts.get(latencyCode(value)) ?? 0) + 1);
      const expected = CLASSIC_BOUNDS_SECONDS.map((bound) => values.filter((value) => value <= bound).length);
      expect(cumulativeCounts(counts, CLASSIC_BOUND_CODES)).toEqual(expected);
    }),
  );
});
