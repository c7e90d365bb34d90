import { describe, expect, test } from '@jest/globals';

import { target, testContext } from '../../test/support/model-counts.ts';
import { testTarget } from '../../test/support/model-target.ts';
import { countLabel } from '../histogram/count-label.ts';
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

test('the interval of an area, by Hanley and McNeil', () => {
  const made = counts([1, 1, 100], [0, 0, 1_000]);
  // 100 positives above 800 negatives and below 200: area .8, standard error .0272.
  made.scores
    .set(5 * 2, 800)
    .set(6 * 2 + 1, 100)
    .set(7 * 2, 200);
  const { rocAuc, rocAucLower, rocAucUpper } = performanceFigures(made, binary);
  expect(rocAuc).toBeCloseTo(0.8, 12);
  expect(rocAucLower).toBeCloseTo(0.8 - 1.96 * 0.0272, 3);
  expect(rocAucUpper).toBeCloseTo(0.8 + 1.96 * 0.0272, 3);
});

describe('several classes with scores', () => {
  const scores: readonly (readonly number[])[] = [
    [0.7, 0.2, 0.1],
    [0.5, 0.3, 0.2],
    [0.3, 0.5, 0.2],
    [0.2, 0.6, 0.2],
    [0.1, 0.2, 0.7],
    [0.4, 0.35, 0.25],
    [0.25, 0.3, 0.45],
    [0.3, 0.36, 0.34],
  ];
  const actual = [0, 0, 1, 1, 2, 2, 2, 0];
  const multiclass = testTarget({
    task: 'multiclass',
    classCodes: new Map([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]),
  });
  const made = new PerformanceCounts();
  scores.forEach((row, i) => {
    const className = 'abc'[row.indexOf(Math.max(...row))]!;
    const label = { className: 'abc'[actual[i]!]!, value: NaN };
    countLabel(made, multiclass, { prediction: NaN, className, score: NaN, scores: row }, label, NaN);
  });
  const found = performanceFigures(made, { ...binary, task: 'multiclass' });

  // scikit-learn 1.9.1 on the same: roc_auc_score(multi_class='ovr', average='macro'), average_precision_score(average='macro')
  // of the indicators, log_loss; the Brier score by its definition.
  test.each([
    ['rocAuc', 0.9444444444444443],
    ['averagePrecision', 0.9277777777777777],
    ['logLoss', 0.749905591803368],
    ['brierScore', 0.4144],
    ['weightedPrecision', 0.7916666666666666],
    ['weightedF1', 0.75],
  ] as const)('%s is that of scikit-learn', (figure, value) => expect(found[figure]).toBeCloseTo(value, 9));
  test('no interval', () => expect(found.rocAucLower).toBeNaN());
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
  test('averages weighted by what came true', () => {
    // Ten of each came true.
    expect(found.weightedRecall).toBeCloseTo(22 / 30, 12);
    expect(found.weightedPrecision).toBeCloseTo((10 * (8 / 10) + 10 * (6 / 7) + 10 * (8 / 13)) / 30, 12);
    expect(found.weightedF1).toBeCloseTo((10 * (16 / 20) + 10 * (12 / 17) + 10 * (16 / 23)) / 30, 12);
  });
  test('no ranking without scores', () => expect(found.rocAuc).toBeNaN());
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
