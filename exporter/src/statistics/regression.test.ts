import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { reference } from '../../test/fixtures/scipy-reference.ts';
import {
  addMoment,
  emptyMoments,
  mergeMoments,
  regressionFigures,
  removeMoments,
  sampleVariance,
} from './regression.ts';
import type { Moments, RegressionSums } from './regression.ts';

const ACTUAL = [3, -0.5, 2, 7, 4.2];
const PREDICTED = [2.5, 0, 2, 8, 4];

function momentsOf(values: readonly number[]): Moments {
  const moments = emptyMoments();
  for (const value of values) addMoment(moments, value);
  return moments;
}

function sumsOf(actual: readonly number[], predicted: readonly number[]): RegressionSums {
  const errors = predicted.map((value, i) => value - actual[i]!);
  return {
    n: actual.length,
    absoluteErrorSum: errors.reduce((sum, e) => sum + Math.abs(e), 0),
    squaredErrorSum: errors.reduce((sum, e) => sum + e * e, 0),
    errorSum: errors.reduce((sum, e) => sum + e, 0),
    actualM2: momentsOf(actual).m2,
  };
}

test('figures match scikit-learn', () => {
  const figures = regressionFigures(sumsOf(ACTUAL, PREDICTED));
  expect(figures.meanAbsoluteError).toBeCloseTo(reference.reg.mae, 12);
  expect(figures.rootMeanSquaredError).toBeCloseTo(reference.reg.rmse, 12);
  expect(figures.r2).toBeCloseTo(reference.reg.r2, 12);
  expect(figures.bias).toBeCloseTo(0.16, 12);
});

test('R2 survives an offset of 1e9, where sums of squares do not', () => {
  const offset = (values: readonly number[]): number[] => values.map((value) => value + 1e9);
  const { r2 } = regressionFigures(sumsOf(offset(ACTUAL), offset(PREDICTED)));
  expect(Math.abs(r2 - reference.reg_offset.r2)).toBeLessThan(1e-6);
  expect(Math.abs(r2 - reference.reg_offset.naive_sums)).toBeGreaterThan(0.04);
});

test('what is undefined is NaN', () => {
  expect(Object.values(regressionFigures(sumsOf([], [])))).toEqual([NaN, NaN, NaN, NaN]);
  expect(regressionFigures(sumsOf([4, 4], [4, 5])).r2).toBeNaN();
  expect(regressionFigures(sumsOf([4], [5]))).toEqual({
    meanAbsoluteError: 1,
    rootMeanSquaredError: 1,
    r2: NaN,
    bias: 1,
  });
  expect(sampleVariance(momentsOf([4]))).toBeNaN();
  expect(sampleVariance(momentsOf([1, 3]))).toBe(2);
});

const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { maxLength: 30 });

test('property: merged moments are the moments of the concatenation, and removal undoes it', () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const merged = momentsOf(a);
      mergeMoments(merged, momentsOf(b));
      const whole = momentsOf([...a, ...b]);
      expect(merged.n).toBe(whole.n);
      expect(merged.mean).toBeCloseTo(whole.mean, 6);
      expect(Math.abs(merged.m2 - whole.m2)).toBeLessThanOrEqual(1e-9 * (1 + whole.m2));
      removeMoments(merged, momentsOf(b));
      const before = momentsOf(a);
      expect(merged.n).toBe(before.n);
      expect(merged.mean).toBeCloseTo(before.mean, 4);
      expect(Math.abs(merged.m2 - before.m2)).toBeLessThanOrEqual(1e-9 * (1 + whole.m2));
    }),
  );
});

test('removing everything leaves nothing', () => {
  const moments = momentsOf([1, 2, 4]);
  removeMoments(moments, momentsOf([1, 2, 4]));
  expect(moments).toEqual(emptyMoments());
});
