import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { irwinHall, lcgSamples, reference } from '../../test/fixtures/scipy-reference.ts';
import { ksBounds } from '../statistics/kolmogorov-smirnov.ts';
import { coarsen } from '../statistics/kullback-leibler.ts';
import { normalisedWasserstein, wassersteinDistance } from '../statistics/wasserstein.ts';
import {
  buildNumericBins,
  MAX_EDGES,
  nextDown,
  parseNumericBins,
  serialiseNumericBins,
  unbinned,
} from './bin-scheme.ts';
import type { NumericBins } from './bin-scheme.ts';
import { binInto, binOf } from './binner.ts';

function countsOf(bins: NumericBins, values: Iterable<number>): Uint32Array {
  const counts = new Uint32Array(256);
  for (const value of values) counts[binInto(bins.prepared, value)]! += 1;
  return counts;
}

function sumsOf(bins: NumericBins, values: Iterable<number>): Float64Array {
  const sums = new Float64Array(256);
  for (const value of values) {
    const bin = binInto(bins.prepared, value);
    if (bins.sumBins[bin] === 1) sums[bin]! += value;
  }
  return sums;
}

/** Both exact two-sample statistics, by one walk over the merged order. */
function exactStatistics(baseline: Float64Array, current: Float64Array): { readonly d: number; readonly w1: number } {
  const b = Float64Array.from(baseline).sort();
  const c = Float64Array.from(current).sort();
  let [i, j, d, w1] = [0, 0, 0, 0];
  let x = Math.min(b[0]!, c[0]!);
  while (i < b.length || j < c.length) {
    const next = Math.min(b[i] ?? Infinity, c[j] ?? Infinity);
    w1 += Math.abs(i / b.length - j / c.length) * (next - x);
    x = next;
    while (i < b.length && b[i] === x) i++;
    while (j < c.length && c[j] === x) j++;
    d = Math.max(d, Math.abs(i * c.length - j * b.length) / (b.length * c.length));
  }
  return { d, w1 };
}

const normal = irwinHall(7, 20_000);
const shapes: readonly (readonly [string, (z: number, i: number) => number])[] = [
  ['normal', (z) => z],
  ['lognormal', (z) => Math.exp(z)],
  ['heavy tails', (z) => z ** 5],
  ['zero-inflated', (z, i) => (i % 10 === 0 ? z : 0)],
  ['atoms and a continuum', (z, i) => (i % 3 === 0 ? Math.round(z) : z)],
  ['integers', (z) => Math.round(40 + 12 * z)],
  ['many integers', (z) => Math.round(1000 * z)],
  ['epoch seconds', (z) => 1.6e9 + Math.round(86_400 * z)],
  ['two values', (z) => Number(z > 1)],
  ['rounded', (z) => Math.round(z * 20) / 20],
  ['tiny', (z) => z * 1e-300],
  ['huge', (z) => z * 1e300],
];

describe.each(shapes)('%s', (_, shape) => {
  const baseline = normal.subarray(0, 15_000).map(shape);
  const current = normal.subarray(15_000).map((z, i) => shape(z * 1.1 + 0.2, i));
  const bins = buildNumericBins(baseline);
  const baselineCounts = countsOf(bins, baseline);
  test('edges rise, are finite and at most 251', () => {
    expect(bins.edges.length).toBeLessThanOrEqual(MAX_EDGES);
    expect(bins.edges.every(Number.isFinite)).toBe(true);
    for (let i = 1; i < bins.edges.length; i++) expect(bins.edges[i]!).toBeGreaterThan(bins.edges[i - 1]!);
  });
  test('no bin but an atom holds much more than 1/200 of the baseline', () => {
    for (let i = 0; i <= bins.edges.length; i++)
      if (bins.atoms[i] === 0) expect(baselineCounts[i]! / 15_000).toBeLessThan(0.0101);
  });
  test('the exact KS statistic lies within the certificate', () => {
    const { lower, upper } = ksBounds(baselineCounts, countsOf(bins, current), bins.atoms);
    const { d } = exactStatistics(baseline, current);
    expect(lower).toBeLessThanOrEqual(d);
    expect(upper).toBeGreaterThanOrEqual(d);
    expect(upper - lower).toBeLessThan(0.0101);
  });
  test('the Wasserstein distance is within 4 % of the exact one', () => {
    const b = { counts: baselineCounts, sums: sumsOf(bins, baseline) };
    const c = { counts: countsOf(bins, current), sums: sumsOf(bins, current) };
    const distance = wassersteinDistance(bins.edges, bins.sumBins, b, c);
    expect(Math.abs(distance / exactStatistics(baseline, current).w1 - 1)).toBeLessThan(0.04);
    expect(normalisedWasserstein(wassersteinDistance(bins.edges, bins.sumBins, b, b), 1)).toBe(0);
  });
  test('values outside the baseline fall in bins without baseline mass whose sums are kept', () => {
    for (const bin of [0, bins.edges.length]) expect([baselineCounts[bin], bins.sumBins[bin]]).toEqual([0, 1]);
    const sorted = Float64Array.from(baseline).sort();
    expect(baselineCounts[binOf(bins.edges, nextDown(sorted[0]!))]).toBe(0);
    expect(baselineCounts[binOf(bins.edges, -nextDown(-sorted.at(-1)!))]).toBe(0);
  });
  test('coarse cells rise in steps of one', () => {
    expect(bins.deciles[0]).toBe(0);
    expect(bins.deciles.at(-1)).toBe(bins.coarseCells - 1);
    for (let i = 1; i < bins.deciles.length; i++) expect([0, 1]).toContain(bins.deciles[i]! - bins.deciles[i - 1]!);
    expect(bins.coarseCells).toBeLessThanOrEqual(10);
  });
  test('storage as JSON keeps every bit', () => {
    expect(parseNumericBins(JSON.parse(JSON.stringify(serialiseNumericBins(bins))))).toEqual(bins);
  });
});

test('coarse cells of the reference samples are the baseline’s deciles', () => {
  const { baseline, current } = lcgSamples();
  const bins = buildNumericBins(baseline);
  const cells = coarsen(countsOf(bins, current), bins.deciles, bins.coarseCells, new Float64Array(10));
  expect([...cells]).toEqual(reference.lcg_K10.counts_cur);
  expect(bins.distinctValues).toBe(256);
});

test('a heavy atom does not share its coarse cell with the smaller values of the baseline', () => {
  const bins = buildNumericBins(Float64Array.from({ length: 1000 }, (_, i) => (i < 50 ? -1 - i : i < 950 ? 0 : i)));
  const cell = (value: number): number => bins.deciles[binOf(bins.edges, value)]!;
  expect(cell(0)).not.toBe(cell(-3));
  expect(cell(0)).not.toBe(cell(3));
});

test('integers have bins of their own, so that 2.5 does not count as 3', () => {
  const bins = buildNumericBins(Float64Array.of(1, 2, 3, 3, 2, 1));
  expect([...bins.edges]).toEqual([nextDown(1), 1, nextDown(2), 2, nextDown(3), 3]);
  expect([...bins.atoms]).toEqual([0, 1, 0, 1, 0, 1, 0]);
  expect([...bins.sumBins]).toEqual([1, 0, 1, 0, 1, 0, 1]);
  expect(binOf(bins.edges, 2.5)).toBe(4);
  expect(bins.distinctValues).toBe(3);
});

test('required edges survive everything', () => {
  const mustHaveEdges = [nextDown(-2.5), 7.123, 1e9, -3, ...Array.from({ length: 36 }, (_, i) => 1000 + i)];
  for (const [, shape] of shapes) {
    const bins = buildNumericBins(normal.map(shape), { mustHaveEdges });
    expect(bins.edges.length).toBeLessThanOrEqual(MAX_EDGES);
    for (const edge of mustHaveEdges) expect(bins.edges).toContain(edge);
  }
  expect([...unbinned([5, -1, 5]).edges]).toEqual([-1, 5]);
});

test('too many atoms: the heaviest keep their own bin', () => {
  // 200 distinct values need 400 edges; value k occurs k + 1 times.
  const values = Float64Array.from(Array.from({ length: 200 }, (_, k) => Array<number>(k + 1).fill(k)).flat());
  const bins = buildNumericBins(values);
  expect(bins.edges.length).toBe(MAX_EDGES);
  for (let k = 0; k < 200; k++) expect(bins.edges).toContain(k);
  const atom = (value: number): number => bins.atoms[binOf(bins.edges, value)]!;
  expect([atom(199), atom(170), atom(3), atom(100)]).toEqual([1, 1, 0, 0]);
});

describe('odd baselines', () => {
  test.each([
    ['one value', [5]],
    ['zero and negative zero', [0, -0]],
    ['the largest doubles', [-Number.MAX_VALUE, Number.MAX_VALUE]],
    ['the smallest doubles', [-5e-324, 0, 5e-324]],
  ])('%s', (_, values) => {
    const bins = buildNumericBins(Float64Array.from(values));
    expect(bins.edges.every((edge) => Number.isFinite(edge) && !Object.is(edge, -0))).toBe(true);
    expect(parseNumericBins(JSON.parse(JSON.stringify(serialiseNumericBins(bins))))).toEqual(bins);
    const counts = countsOf(bins, values);
    expect(ksBounds(counts, counts, bins.atoms).lower).toBe(0);
  });
  test('nothing at all is one bin, and its sum is not kept', () => {
    const bins = buildNumericBins(new Float64Array(0));
    expect(bins).toEqual(unbinned());
    expect([bins.edges.length, bins.coarseCells, bins.sumBins[0], bins.distinctValues]).toEqual([0, 1, 0, 0]);
  });
  test.each([
    ['NaN', () => buildNumericBins(Float64Array.of(1, NaN))],
    ['infinity', () => buildNumericBins(Float64Array.of(-Infinity, 1))],
    ['too few bins', () => buildNumericBins(Float64Array.of(1), { bins: 3 })],
    ['an infinite required edge', () => unbinned([Infinity])],
    ['too many required edges', () => unbinned(Array.from({ length: 41 }, (_, i) => i))],
  ])('%s is refused', (_, build) => expect(build).toThrow(RangeError));
});

test('nextDown is the neighbour below', () => {
  expect(nextDown(1)).toBe(1 - 2 ** -53);
  expect([nextDown(0), nextDown(-0), nextDown(5e-324), nextDown(-Number.MAX_VALUE)]).toEqual([
    -5e-324,
    -5e-324,
    0,
    -Infinity,
  ]);
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e308 }),
      (x) => nextDown(x) < x && -nextDown(-nextDown(x)) === x,
    ),
  );
});

describe('parseNumericBins refuses what it never wrote', () => {
  const good = { edges: [1, 2], cells: [1], sums: [0, 2], distinct: 2 };
  test('and takes what it did', () => expect(parseNumericBins(good).coarseCells).toBe(2));
  test.each([
    ['null', null],
    ['no edges', { ...good, edges: undefined }],
    ['equal edges', { ...good, edges: [1, 1] }],
    ['a null edge (NaN in JSON)', { ...good, edges: [null, 1] }],
    ['too many edges', { ...good, edges: Array.from({ length: 252 }, (_, i) => i) }],
    ['a cell beyond the bins', { ...good, cells: [3] }],
    ['a bin that is no number', { ...good, sums: ['0'] }],
    ['no distinct count', { ...good, distinct: undefined }],
  ])('%s', (_, stored) => {
    expect(() => parseNumericBins(stored)).toThrow(expect.objectContaining({ code: 'invalid_bin_scheme' }));
  });
});

test('property: the certificate holds for arbitrary doubles', () => {
  const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: -3, max: 3 }));
  const sample = fc.array(value, { minLength: 1, maxLength: 400 }).map((values) => Float64Array.from(values));
  fc.assert(
    fc.property(sample, sample, fc.integer({ min: 10, max: 200 }), (baseline, current, binCount) => {
      const bins = buildNumericBins(baseline, { bins: binCount });
      const baselineCounts = countsOf(bins, baseline);
      const { lower, upper, n } = ksBounds(baselineCounts, countsOf(bins, current), bins.atoms);
      const { d } = exactStatistics(baseline, current);
      const widest = Math.max(0, ...baselineCounts.filter((_, i) => bins.atoms[i] === 0)) / n;
      return lower <= d && d <= upper && upper - lower <= widest + 1e-12;
    }),
    { numRuns: 300 },
  );
});
