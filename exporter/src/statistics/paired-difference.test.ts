import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { meanDifference, pairedDifference } from './paired-difference.ts';

describe('pairedDifference', () => {
  test('by hand: differences 1, 0, 1, 2 have standard error sqrt(2/3)/2', () => {
    const { mean, lower, upper, pairs } = pairedDifference([1, 2, 3, 4], [0, 2, 2, 2]);
    expect(pairs).toBe(4);
    expect(mean).toBe(1);
    expect(upper).toBeCloseTo(1 + (1.959963984540054 * Math.sqrt(2 / 3)) / 2, 12);
    expect(lower).toBeCloseTo(2 - upper, 12);
  });

  test('swapped sides turn the sign, and a common shift changes nothing', () => {
    const values = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 2, maxLength: 50 });
    fc.assert(
      fc.property(values, (a) => {
        const b = [...a].reverse();
        const there = pairedDifference(a, b);
        const back = pairedDifference(b, a);
        expect(back.mean).toBeCloseTo(-there.mean, 9);
        expect(back.lower).toBeCloseTo(-there.upper, 6);
        const moved = pairedDifference(
          a.map((x) => x + 1e6),
          b.map((x) => x + 1e6),
        );
        expect(moved.upper).toBeCloseTo(there.upper, 3);
      }),
    );
  });

  test('covers the true mean in about 95 of 100 samples', () => {
    let state = 1;
    const uniform = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    let covered = 0;
    for (let trial = 0; trial < 2000; trial++) {
      const a = Array.from({ length: 200 }, uniform);
      const { lower, upper } = pairedDifference(a, new Float64Array(200));
      if (lower <= 0.5 && 0.5 <= upper) covered++;
    }
    expect(covered / 2000).toBeGreaterThan(0.935);
    expect(covered / 2000).toBeLessThan(0.965);
  });

  test.each([
    ['no pair', [], []],
    ['one pair', [1], [2]],
  ])('%s says nothing', (_name, a, b) => {
    expect(pairedDifference(a, b).lower).toBeNaN();
  });

  test('unequal lengths are a mistake', () => {
    expect(() => pairedDifference([1], [])).toThrow(RangeError);
  });
});

describe('meanDifference', () => {
  test('by hand', () => {
    const { mean, upper } = meanDifference({ n: 100, mean: 3, variance: 4 }, { n: 50, mean: 2, variance: 3 });
    expect(mean).toBe(1);
    expect(upper).toBeCloseTo(1 + 1.959963984540054 * Math.sqrt(0.04 + 0.06), 12);
  });

  test('one value has no variance', () => {
    expect(meanDifference({ n: 1, mean: 3, variance: NaN }, { n: 50, mean: 2, variance: 3 }).mean).toBeNaN();
  });
});
