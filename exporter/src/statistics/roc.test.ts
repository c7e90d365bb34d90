import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { reference } from '../../test/fixtures/scipy-reference.ts';
import { Random } from '../../test/support/random.ts';
import { binOf } from '../histogram/binner.ts';
import { buildNumericBins } from '../histogram/bin-scheme.ts';
import { averagePrecision, hanleyMcNeilSe, rocAuc } from './roc.ts';

const SCORES = [0.1, 0.3, 0.35, 0.4, 0.8, 0.2, 0.9, 0.35, 0.7, 0.6];
const LEVELS = [...new Set(SCORES)].sort((a, b) => a - b);
const countLevels = (scores: readonly number[]): number[] =>
  LEVELS.map((level) => scores.filter((s) => s === level).length);
const NEGATIVES = countLevels(SCORES.slice(0, 6));
const POSITIVES = countLevels(SCORES.slice(6));

test('area and average precision match scikit-learn when each score has its bin', () => {
  expect(rocAuc(POSITIVES, NEGATIVES, LEVELS.length)).toBeCloseTo(reference.bin.auc, 12);
  expect(averagePrecision(POSITIVES, NEGATIVES, LEVELS.length)).toBeCloseTo(reference.bin.ap, 12);
});

test('Hanley-McNeil standard error', () => {
  expect(hanleyMcNeilSe(reference.bin.auc, 4, 6)).toBeCloseTo(reference.auc_se.hanley_small, 12);
  expect(hanleyMcNeilSe(0.8, 100, 1000)).toBeCloseTo(reference.auc_se.hanley_08_100_1000, 12);
  expect(hanleyMcNeilSe(1, 10, 10)).toBe(0);
  expect(hanleyMcNeilSe(0.8, 0, 10)).toBeNaN();
});

test('one class alone defines neither', () => {
  expect(rocAuc([0, 0], [1, 2], 2)).toBeNaN();
  expect(rocAuc([1, 2], [0, 0], 2)).toBeNaN();
  expect(averagePrecision([0, 0], [1, 2], 2)).toBeNaN();
  expect(averagePrecision([1, 2], [0, 0], 2)).toBe(1);
});

test('one positive in a thousand: on the bins of the scores the area is the exact one to 0.0002, on even bins it is not', () => {
  const random = new Random(1);
  // Few scores are far from 0, as of fraud: nearly all of them share the first of 256 even bins.
  const draw = (n: number, mean: number) =>
    Array.from({ length: n }, () => 1 / (1 + Math.exp(7 - 1.5 * (mean + random.normal()))));
  const [negatives, positives] = [draw(100_000, 0), draw(100, 1.5)];
  const area = (edges: Float64Array) => {
    const counts = (scores: readonly number[]) => {
      const of = new Float64Array(edges.length + 1);
      for (const score of scores) of[binOf(edges, score)]! += 1;
      return of;
    };
    return rocAuc(counts(positives), counts(negatives), edges.length + 1);
  };
  const exact = area(Float64Array.from(new Set([...negatives, ...positives])).sort());
  const quantiles = area(buildNumericBins(Float64Array.from([...negatives, ...positives])).edges);
  const even = area(Float64Array.from({ length: 255 }, (_, i) => (i + 1) / 256));
  expect(Math.abs(quantiles - exact)).toBeLessThan(2e-4);
  expect(Math.abs(even - exact)).toBeGreaterThan(0.05);
});

test('property: the area is the share of pairs won, ties half', () => {
  const counts = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(counts, counts, (p, n) => {
      let won = 0;
      let pairs = 0;
      for (let i = 0; i < 6; i++) {
        for (let j = 0; j < 6; j++) {
          pairs += p[i]! * n[j]!;
          won += p[i]! * n[j]! * (i > j ? 1 : i === j ? 0.5 : 0);
        }
      }
      const area = rocAuc(p, n, 6);
      if (pairs === 0) expect(area).toBeNaN();
      else expect(area).toBeCloseTo(won / pairs, 12);
    }),
  );
});
