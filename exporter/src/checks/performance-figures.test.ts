import { describe, expect, test } from '@jest/globals';

import { target, testContext } from '../../test/support/model-counts.ts';
import { PerformanceCounts } from '../histogram/performance-counts.ts';
import { NO_FIGURES, performanceFigures } from './performance-figures.ts';

const binary = testContext();

/** Predicted class, actual class, count. */
function counts(...cells: (readonly [number, number, number])[]): PerformanceCounts {
  const made = new PerformanceCounts();
  for (const [predicted, actual, count] of cells) {
    made.confusion.set(predicted * 256 + actual, count);
    made.labelled += count;
  }
  return made;
}

describe('two classes', () => {
  const found = performanceFigures(counts([1, 1, 30], [1, 0, 10], [0, 1, 20], [0, 0, 40]), binary);
  test('figures of the positive class, by hand', () => {
    expect(found.samples).toBe(100);
    expect(found.accuracy).toBeCloseTo(0.7, 12);
    expect(found.precision).toBeCloseTo(30 / 40, 12);
    expect(found.recall).toBeCloseTo(30 / 50, 12);
    expect(found.f1).toBeCloseTo(60 / 90, 12);
    expect(found.balancedAccuracy).toBeCloseTo((0.6 + 0.8) / 2, 12);
  });

  test('the Wilson interval of 70 in 100', () => {
    // statsmodels 0.14: proportion_confint(70, 100, method='wilson') = (.604, .781).
    expect(found.accuracyLower).toBeCloseTo(0.604, 3);
    expect(found.accuracyUpper).toBeCloseTo(0.781, 3);
  });

  test('the other class as the positive one', () => {
    const swapped = performanceFigures(counts([1, 1, 30], [1, 0, 10], [0, 1, 20], [0, 0, 40]), {
      ...binary,
      positiveClass: 0,
    });
    expect(swapped.precision).toBeCloseTo(40 / 60, 12);
    expect(swapped.recall).toBeCloseTo(40 / 50, 12);
  });

  test('without scores nothing is said of them', () => {
    for (const figure of [found.rocAuc, found.averagePrecision, found.logLoss, found.brierScore, found.calibrationGap])
      expect(figure).toBeNaN();
    expect(found.meanAbsoluteError).toBeNaN();
  });
});

test('scores: means of the sums', () => {
  const made = counts([1, 1, 5], [0, 0, 5]);
  Object.assign(made, { scored: 10, scoreSum: 4, positives: 5, brierSum: 2, logLossSum: 3 });
  expect(performanceFigures(made, binary)).toMatchObject({
    meanScore: 0.4,
    observedRate: 0.5,
    brierScore: 0.2,
    logLoss: 0.3,
    calibrationGap: -0.1,
  });
});

test('ranking: ties count half', () => {
  const made = counts([1, 1, 4], [0, 0, 4]);
  // By bin: positives 0, 1, 3 and negatives 2, 1, 1 at bins 5, 6, 7. Pairs won 2 + 3 * 3 = 11, tied 1 + 3 = 4: 13 of 16.
  made.scores
    .set(5 * 2, 2)
    .set(6 * 2, 1)
    .set(6 * 2 + 1, 1)
    .set(7 * 2, 1)
    .set(7 * 2 + 1, 3);
  expect(performanceFigures(made, binary).rocAuc).toBeCloseTo(13 / 16, 12);
  // From the top: 3 of 4 recalled at precision 3/4, 1 of 4 at 4/6.
  expect(performanceFigures(made, binary).averagePrecision).toBeCloseTo(0.75 * 0.75 + 0.25 * (4 / 6), 12);
});

describe('several classes', () => {
  // Rows are predictions: class 0: 8 0 2, class 3: 1 6 0, class 250 (other): 1 4 8; columns are what came true.
  const made = counts([0, 0, 8], [0, 250, 2], [3, 0, 1], [3, 3, 6], [250, 0, 1], [250, 3, 4], [250, 250, 8]);
  const found = performanceFigures(made, { ...binary, task: 'multiclass' });
  test('macro averages, by hand', () => {
    expect(found.samples).toBe(30);
    expect(found.accuracy).toBeCloseTo(22 / 30, 12);
    expect(found.precision).toBeCloseTo((8 / 10 + 6 / 7 + 8 / 13) / 3, 12);
    expect(found.recall).toBeCloseTo((8 / 10 + 6 / 10 + 8 / 10) / 3, 12);
    expect(found.balancedAccuracy).toBeCloseTo((8 / 10 + 6 / 10 + 8 / 10) / 3, 12);
    expect(found.f1).toBeCloseTo((16 / 20 + 12 / 17 + 16 / 23) / 3, 12);
  });
  test('no ranking', () => expect(found.rocAuc).toBeNaN());
});

test('regression, by hand', () => {
  // Predicted 1, 4, 2 of actual 2, 2, 5: errors -1, 2, -3; the actual values lie 1, 1 and 2 from their mean.
  const made = new PerformanceCounts();
  Object.assign(made, {
    labelled: 3,
    numeric: 3,
    absoluteErrorSum: 6,
    squaredErrorSum: 14,
    errorSum: -2,
    labelMean: 3,
    labelM2: 6,
  });
  const found = performanceFigures(made, { ...binary, task: 'regression' });
  expect(found.samples).toBe(3);
  expect(found.meanAbsoluteError).toBeCloseTo(2, 12);
  expect(found.rootMeanSquaredError).toBeCloseTo(Math.sqrt(14 / 3), 12);
  expect(found.r2).toBeCloseTo(1 - 14 / 6, 12);
  expect(found.bias).toBeCloseTo(-2 / 3, 12);
  expect(found.accuracy).toBeNaN();
});

describe('nothing to say', () => {
  const some = counts([1, 1, 30]);
  test.each([
    ['unknown task', some, 'unknown'],
    ['no labels, binary', new PerformanceCounts(), 'binary'],
    ['no labels, multiclass', new PerformanceCounts(), 'multiclass'],
    ['no values, regression', some, 'regression'],
  ] as const)('%s', (_name, made, task) => {
    expect(performanceFigures(made, { task, positiveClass: 1, scheme: target.scheme })).toEqual(NO_FIGURES);
  });
});
