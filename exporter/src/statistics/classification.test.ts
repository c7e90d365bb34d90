import { describe, expect, test } from '@jest/globals';
import { reference } from '../../test/fixtures/scipy-reference.ts';
import { binaryFigures, multiclassFigures } from './classification.ts';

test('binary figures match scikit-learn', () => {
  const figures = binaryFigures(3, 1, 1, 5);
  expect(figures.samples).toBe(10);
  expect(figures.accuracy).toBeCloseTo(reference.bin.acc, 12);
  expect(figures.precision).toBeCloseTo(reference.bin.prec, 12);
  expect(figures.recall).toBeCloseTo(reference.bin.rec, 12);
  expect(figures.f1).toBeCloseTo(reference.bin.f1, 12);
  expect(figures.mcc).toBeCloseTo(reference.bin.mcc, 12);
  expect(figures.balancedAccuracy).toBeCloseTo((3 / 4 + 5 / 6) / 2, 12);
});

test('multiclass figures match scikit-learn', () => {
  const expected = reference.multi;
  const figures = multiclassFigures(expected.cm.flat(), 3);
  expect(figures.accuracy).toBeCloseTo(expected.acc, 12);
  expect(figures.precision).toBeCloseTo(expected.P_macro, 12);
  expect(figures.recall).toBeCloseTo(expected.R_macro, 12);
  expect(figures.f1).toBeCloseTo(expected.F_macro, 12);
  expect(figures.weightedF1).toBeCloseTo(expected.F_weighted, 12);
  expect(figures.kappa).toBeCloseTo(expected.kappa, 12);
  expect(figures.weightedRecall).toBeCloseTo(expected.acc, 12);
  expect(figures.balancedAccuracy).toBeCloseTo(expected.R_macro, 12);
});

test('two classes: several-class figures agree with binary ones', () => {
  const binary = binaryFigures(30, 12, 7, 51);
  const several = multiclassFigures([51, 12, 7, 30], 2);
  for (const name of ['accuracy', 'balancedAccuracy', 'mcc', 'kappa'] as const)
    expect(several[name]).toBeCloseTo(binary[name], 12);
});

describe('what the counts do not define', () => {
  test('nothing at all', () => {
    expect(Object.values(binaryFigures(0, 0, 0, 0)).filter((x) => !Number.isNaN(x))).toEqual([0]);
    expect(Object.values(multiclassFigures(new Float64Array(9), 3)).filter((x) => !Number.isNaN(x))).toEqual([0]);
  });
  test('never predicted positive: no precision, recall 0', () => {
    expect(binaryFigures(0, 0, 4, 6)).toMatchObject({
      precision: NaN,
      recall: 0,
      f1: 0,
      mcc: NaN,
      balancedAccuracy: 0.5,
      kappa: 0,
    });
  });
  test('one class alone: recall of that class is the balanced accuracy', () => {
    expect(binaryFigures(0, 2, 0, 8)).toMatchObject({ recall: NaN, balancedAccuracy: 0.8 });
    expect(binaryFigures(0, 0, 0, 8)).toMatchObject({ accuracy: 1, mcc: NaN, kappa: NaN });
  });
  test('a class that is never predicted counts 0, one that neither occurs nor is predicted not at all', () => {
    const figures = multiclassFigures([4, 0, 0, 2, 0, 0, 0, 0, 0], 3);
    expect(figures.precision).toBeCloseTo((4 / 6 + 0) / 2, 12);
    expect(figures.recall).toBeCloseTo(0.5, 12);
  });
  test('counts of a year do not overflow', () => {
    const figures = binaryFigures(3e9, 1e9, 1e9, 5e9);
    expect(figures.mcc).toBeCloseTo(reference.bin.mcc, 12);
  });
});
