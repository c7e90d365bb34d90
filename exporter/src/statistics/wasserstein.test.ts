import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { countByBin, lcgSamples, reference } from '../../test/fixtures/scipy-reference.ts';
import { binnedMoments, normalisedWasserstein, wassersteinDistance } from './wasserstein.ts';
import type { BinnedValues } from './wasserstein.ts';

/** Exact distance of two samples: area between the empirical distributions. */
function exactDistance(baseline: readonly number[], current: readonly number[]): number {
  const all = [...baseline, ...current].sort((a, b) => a - b);
  let area = 0;
  for (let i = 1; i < all.length; i++) {
    const f = baseline.filter((x) => x <= all[i - 1]!).length / baseline.length;
    const g = current.filter((x) => x <= all[i - 1]!).length / current.length;
    area += Math.abs(f - g) * (all[i]! - all[i - 1]!);
  }
  return area;
}

function binned(values: Iterable<number>, edges: ArrayLike<number>): BinnedValues {
  const sums = new Float64Array(edges.length + 1);
  for (const value of values) {
    const bin = countByBin([value], edges).indexOf(1);
    sums[bin] = sums[bin]! + value;
  }
  return { counts: countByBin(values, edges), sums };
}

describe('wassersteinDistance', () => {
  test('reference samples on 200 quantiles: within 1 % of SciPy, and so is the normalised one', () => {
    const { baseline, current } = lcgSamples();
    const sorted = Float64Array.from(baseline).sort();
    const edges = Float64Array.from({ length: 200 }, (_, k) => sorted[k * 50]!);
    edges[0] = sorted[0]! - 1e-9;
    const sumBins = new Uint8Array(201);
    sumBins[0] = sumBins[200] = 1;
    const b = binned(baseline, edges);
    const distance = wassersteinDistance(edges, sumBins, b, binned(current, edges));
    expect(Math.abs(distance / reference.lcg.W1 - 1)).toBeLessThan(0.01);
    const moments = binnedMoments(edges, sumBins, b);
    expect(moments.mean).toBeCloseTo(reference.lcg.Bmean, 2);
    expect(Math.abs(normalisedWasserstein(distance, moments.standardDeviation) / reference.lcg.W1n - 1)).toBeLessThan(
      0.02,
    );
  });
  test('an evenly filled bin against values beyond the range', () => {
    const edges = Float64Array.of(0, 10);
    const current = { counts: [0, 0, 2], sums: [0, 0, 40] };
    expect(wassersteinDistance(edges, Uint8Array.of(1, 0, 1), { counts: [0, 4, 0], sums: [0, 0, 0] }, current)).toBe(
      15,
    );
  });
  test('without sums, values beyond the range count as on its edge', () => {
    const edges = Float64Array.of(0, 10);
    const distance = wassersteinDistance(
      edges,
      new Uint8Array(3),
      { counts: [0, 4, 0], sums: null },
      { counts: [0, 0, 2], sums: null },
    );
    expect(distance).toBe(5);
  });
  test('a crossing within a bin is two triangles', () => {
    const edges = Float64Array.of(0, 1, 2);
    const [baseline, current] = [
      { counts: [0, 1, 1, 0], sums: null },
      { counts: [0, 2, 0, 0], sums: null },
    ];
    expect(wassersteinDistance(edges, new Uint8Array(4), baseline, current)).toBeCloseTo(0.5, 12);
  });
  test('an empty side is undefined, and so is a range beyond doubles', () => {
    const edges = Float64Array.of(-1.7e308, 1.7e308);
    expect(
      wassersteinDistance(
        edges,
        new Uint8Array(3),
        { counts: [0, 0, 0], sums: null },
        { counts: [0, 1, 0], sums: null },
      ),
    ).toBeNaN();
    expect(
      wassersteinDistance(
        edges,
        new Uint8Array(3),
        { counts: [1, 0, 0], sums: null },
        { counts: [0, 1, 1], sums: null },
      ),
    ).toBeNaN();
  });
  test('property: exact when every bin keeps its sum and each holds one side only', () => {
    // Edges at halves, baseline at even, current at odd integers: no bin holds both.
    const even = fc.array(
      fc.integer({ min: -5, max: 5 }).map((k) => 2 * k),
      { minLength: 1, maxLength: 20 },
    );
    const odd = fc.array(
      fc.integer({ min: -8, max: 8 }).map((k) => 2 * k + 1),
      { minLength: 1, maxLength: 20 },
    );
    const edges = Float64Array.from({ length: 22 }, (_, i) => i - 10.5);
    const sumBins = new Uint8Array(23).fill(1);
    fc.assert(
      fc.property(even, odd, (baseline, current) => {
        const distance = wassersteinDistance(edges, sumBins, binned(baseline, edges), binned(current, edges));
        expect(distance).toBeCloseTo(exactDistance(baseline, current), 9);
      }),
    );
  });
});

describe('normalisedWasserstein', () => {
  test('a baseline that does not vary has no unit', () => {
    expect([normalisedWasserstein(2, 4), normalisedWasserstein(2, 0), normalisedWasserstein(0, 0)]).toEqual([
      0.5,
      NaN,
      0,
    ]);
  });
});

describe('binnedMoments', () => {
  test('even within a bin', () => {
    const moments = binnedMoments(Float64Array.of(0, 12), new Uint8Array(3), { counts: [0, 5, 0], sums: null });
    expect(moments.mean).toBe(6);
    expect(moments.standardDeviation).toBeCloseTo(Math.sqrt(12), 12);
  });
  test('open bins at their mean, or their edge; nothing at all is undefined', () => {
    const edges = Float64Array.of(0, 1);
    expect(binnedMoments(edges, Uint8Array.of(1, 0, 1), { counts: [1, 0, 1], sums: [-4, 0, 6] })).toEqual({
      mean: 1,
      standardDeviation: 5,
    });
    expect(binnedMoments(edges, new Uint8Array(3), { counts: [1, 0, 1], sums: null })).toEqual({
      mean: 0.5,
      standardDeviation: 0.5,
    });
    expect(binnedMoments(edges, new Uint8Array(3), { counts: [0, 0, 0], sums: null })).toEqual({
      mean: NaN,
      standardDeviation: NaN,
    });
    expect(binnedMoments(Float64Array.of(), new Uint8Array(1), { counts: [3], sums: null }).mean).toBeNaN();
  });
});
