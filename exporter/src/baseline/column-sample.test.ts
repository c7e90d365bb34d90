import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ColumnSample } from './column-sample.ts';

function sampleOf(values: Iterable<number>, seed = 0): ColumnSample {
  const sample = new ColumnSample(seed);
  for (const value of values) sample.add(value);
  return sample;
}

const rising = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('ColumnSample', () => {
  test('of nothing there is nothing', () => {
    const sample = sampleOf([NaN, Infinity, -Infinity]);
    expect([sample.seen, sample.mean, [...sample.values()]]).toEqual([0, NaN, []]);
  });

  test('up to 100,000 values are all kept, in order, with their extremes and mean', () => {
    const numbers = fc.array(fc.double({ noDefaultInfinity: true, min: -1e100, max: 1e100 }), { maxLength: 3_000 });
    fc.assert(
      fc.property(numbers, (values) => {
        const finite = values.filter(Number.isFinite);
        const sample = sampleOf(values);
        expect([...sample.values()]).toEqual(finite);
        expect([sample.seen, sample.min, sample.max]).toEqual([
          finite.length,
          Math.min(...finite),
          Math.max(...finite),
        ]);
        expect(sample.mean).toEqual(finite.reduce((sum, value) => sum + value, 0) / finite.length);
      }),
    );
    expect(sampleOf(rising(100_000)).values()).toEqual(Float64Array.from(rising(100_000)));
  });

  test('what values() gives is a copy', () => {
    const sample = sampleOf([1, 2]);
    sample.values()[0] = 99;
    expect([...sample.values()]).toEqual([1, 2]);
  });

  test('of more, a uniform sample with the exact extremes', () => {
    const count = 1_000_000;
    const sample = sampleOf(rising(count));
    const values = sample.values();
    expect([values.length, sample.seen, sample.mean]).toEqual([100_002, count, (count - 1) / 2]);
    expect([values[100_000], values[100_001]]).toEqual([0, count - 1]);
    const kept = values.subarray(0, 100_000);
    expect(new Set(kept).size).toBe(100_000);
    // Tenths of the stream: 10,000 each, with a standard deviation of 95.
    const tenths = new Array<number>(10).fill(0);
    for (const value of kept) tenths[Math.floor((value * 10) / count)]!++;
    for (const tenth of tenths) expect(Math.abs(tenth - 10_000)).toBeLessThan(5 * 95);
  });

  test('the same stream gives the same sample, another seed another', () => {
    const values = rising(101_000);
    expect(sampleOf(values, 3).values()).toEqual(sampleOf(values, 3).values());
    expect(sampleOf(values, 3).values()).not.toEqual(sampleOf(values, 4).values());
  });
});
