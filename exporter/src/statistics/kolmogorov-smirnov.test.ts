import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { countByBin, lcgSamples, reference } from '../../test/fixtures/scipy-reference.ts';
import { kolmogorovSf, ksBounds, ksPValue } from './kolmogorov-smirnov.ts';

/** The exact two-sample statistic, from the raw values. */
function exactStatistic(baseline: readonly number[], current: readonly number[]): number {
  let largest = 0;
  for (const x of [...baseline, ...current]) {
    const f = baseline.filter((value) => value <= x).length;
    const g = current.filter((value) => value <= x).length;
    largest = Math.max(largest, Math.abs(f * current.length - g * baseline.length));
  }
  return largest / (baseline.length * current.length);
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('kolmogorovSf', () => {
  test.each(Object.entries(reference.kolm))('Q(%s) is SciPy’s', (x, expected) => {
    expect(Math.abs(kolmogorovSf(Number(x)) / expected - 1)).toBeLessThan(1e-12);
  });
  test('is 1 at and below zero, and falls', () => {
    expect(kolmogorovSf(0)).toBe(1);
    expect(kolmogorovSf(-1)).toBe(1);
    for (let x = 0.01; x < 4; x += 0.01) expect(kolmogorovSf(x)).toBeLessThanOrEqual(kolmogorovSf(x - 0.01));
  });
  test('both series agree where they meet', () => {
    expect(kolmogorovSf(1.18)).toBeCloseTo(kolmogorovSf(1.18 - 1e-12), 10);
  });
});

describe('ksPValue', () => {
  test.each(Object.entries(reference.kstwo))('kstwo.sf(%s) within 5e-4', (key, expected) => {
    const [d, size] = key.split(',').map(Number) as [number, number];
    expect(Math.abs(ksPValue(d, 2 * size, 2 * size) - expected)).toBeLessThan(5e-4);
  });
  test.each([
    ['small sizes', reference.ks_small.D, 10, 10, reference.ks_small.p_asymp, 0.02],
    ['ties', reference.ks_ties.D, 100, 100, reference.ks_ties.p_asymp, 5e-4],
    ['10,000 against 2,000', reference.lcg.D, 10_000, 2_000, reference.lcg.p, 5e-6],
  ])('%s: as ks_2samp', (_, d, n, m, expected, tolerance) => {
    expect(Math.abs(ksPValue(d, n, m) - expected)).toBeLessThan(tolerance);
  });
  test('no difference is certain not to be drift; nothing to compare is undefined', () => {
    expect(ksPValue(0, 1000, 1000)).toBeCloseTo(1, 6);
    expect(ksPValue(0.1, 0, 10)).toBeNaN();
    expect(ksPValue(NaN, 10, 10)).toBeNaN();
  });
});

describe('ksBounds', () => {
  test('hold the exact statistic of the reference samples, on deciles and on 200 quantiles', () => {
    const { baseline, current } = lcgSamples();
    expect([baseline[0], current[0]]).toEqual([reference.lcg.B0, reference.lcg.C0]);
    const sorted = Float64Array.from(baseline).sort();
    for (const parts of [10, 200]) {
      const edges = range(1, parts - 1).map((k) => sorted[Math.ceil((k * 10_000) / parts) - 1]!);
      const bounds = ksBounds(countByBin(baseline, edges), countByBin(current, edges), new Uint8Array(parts));
      expect(bounds).toMatchObject({ n: 10_000, m: 2_000 });
      expect(bounds.lower).toBeLessThanOrEqual(reference.lcg.D + 1e-12);
      expect(bounds.upper).toBeGreaterThanOrEqual(reference.lcg.D - 1e-12);
      expect(bounds.upper - bounds.lower).toBeLessThanOrEqual(1 / parts + 1e-12);
    }
  });
  test('are exact where every bin is an atom', () => {
    const baseline = [...Array<number>(90).fill(0), ...range(1, 10)];
    const current = [...Array<number>(80).fill(0), ...Array<number>(5).fill(1), ...range(2, 16)];
    const edges = range(0, 15);
    const bounds = ksBounds(countByBin(baseline, edges), countByBin(current, edges), new Uint8Array(17).fill(1));
    expect(bounds.lower).toBeCloseTo(reference.ks_ties.D, 12);
    expect(bounds.upper).toBe(bounds.lower);
  });
  test('read no counters beyond the bins', () => {
    expect(ksBounds([1, 1, 500], [0, 2, 9], new Uint8Array(2))).toEqual({ lower: 0.5, upper: 1, n: 2, m: 2 });
  });
  test('one bin says nothing, and an empty side is undefined', () => {
    expect(ksBounds([7], [9], new Uint8Array(1))).toEqual({ lower: 0, upper: 1, n: 7, m: 9 });
    expect(ksBounds([0, 0], [1, 2], new Uint8Array(2))).toEqual({ lower: NaN, upper: NaN, n: 0, m: 3 });
  });
  test('property: the exact statistic lies between them for any bins, ties, atoms and values outside the baseline', () => {
    // Integers and halves: many ties; edges at v - 1/4 and v make bins of one value of this grid.
    const values = fc.array(
      fc.integer({ min: -20, max: 20 }).map((v) => v / 2),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(
        values,
        values,
        fc.uniqueArray(fc.integer({ min: -12, max: 12 }), { maxLength: 12 }),
        (baseline, current, cuts) => {
          const edges = [...new Set(cuts.flatMap((cut) => (cut % 3 === 0 ? [cut - 0.25, cut] : [cut])))].sort(
            (a, b) => a - b,
          );
          const atoms = Uint8Array.from({ length: edges.length + 1 }, (_, i) =>
            Number(edges[i]! - edges[i - 1]! === 0.25),
          );
          const baselineCounts = countByBin(baseline, edges);
          const { lower, upper, n } = ksBounds(baselineCounts, countByBin(current, edges), atoms);
          const exact = exactStatistic(baseline, current);
          const widest = Math.max(0, ...baselineCounts.filter((_, i) => atoms[i] === 0)) / n;
          return lower <= exact + 1e-12 && exact <= upper + 1e-12 && upper - lower <= widest + 1e-12;
        },
      ),
      { numRuns: 500 },
    );
  });
});
