import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { reference } from '../../test/fixtures/scipy-reference.ts';
import { calibrationGap, estimatePerformance, isotonicRates } from './calibration.ts';

test('calibration gap: mean score less observed rate', () => {
  expect(calibrationGap(7, 5, 10)).toBeCloseTo(0.2, 12);
  expect(calibrationGap(0, 0, 0)).toBeNaN();
});

describe('isotonicRates', () => {
  const fit = (positives: number[], totals: number[]): number[] => [
    ...isotonicRates(positives, totals, totals.length, new Float64Array(totals.length)),
  ];
  test.each([
    ['already rising', [0, 1, 2], [2, 2, 2], [0, 0.5, 1]],
    ['one violation is pooled', [1, 0, 2], [2, 2, 2], [0.25, 0.25, 1]],
    ['pooling runs back', [2, 1, 0], [2, 2, 2], [0.5, 0.5, 0.5]],
    ['by weight', [9, 0], [10, 30], [0.225, 0.225]],
    ['unlabelled bins lie between', [0, 0, 2], [2, 0, 2], [0, 0.5, 1]],
    ['unlabelled ends take the nearest', [0, 1, 0], [0, 2, 0], [0.5, 0.5, 0.5]],
    ['an unlabelled bin within a pool', [1, 0, 0], [1, 0, 1], [0.5, 0.5, 0.5]],
    ['no labels at all', [0, 0], [0, 0], [NaN, NaN]],
  ])('%s', (_, positives, totals, expected) => expect(fit(positives, totals)).toEqual(expected));

  test('property: rises, keeps the total and is no worse than any other rising fit', () => {
    const bins = fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 })), {
      minLength: 1,
      maxLength: 8,
    });
    const rising = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(bins, rising, (pairs, other) => {
        const totals = pairs.map(([a, b]) => a + b);
        const positives = pairs.map(([a]) => a);
        if (totals.every((t) => t === 0)) return;
        const rates = fit(positives, totals);
        for (let i = 1; i < rates.length; i++) expect(rates[i]!).toBeGreaterThanOrEqual(rates[i - 1]!);
        expect(rates.reduce((sum, rate, i) => sum + rate * totals[i]!, 0)).toBeCloseTo(
          positives.reduce((a, b) => a + b, 0),
          9,
        );
        other.sort((a, b) => a - b);
        const loss = (fitted: readonly number[]): number =>
          totals.reduce((sum, t, i) => (t === 0 ? sum : sum + t * (positives[i]! / t - fitted[i]!) ** 2), 0);
        expect(loss(rates)).toBeLessThanOrEqual(loss(other) + 1e-9);
      }),
    );
  });
});

describe('estimatePerformance', () => {
  test('matches the reference', () => {
    const expected = reference.cbpe;
    const estimate = estimatePerformance([0.05, 0.2, 0.6, 0.9], [0, 0, 30, 50], [100, 40, 0, 0], 4);
    expect(estimate.truePositives).toBeCloseTo(expected.TP, 10);
    expect(estimate.falsePositives).toBeCloseTo(expected.FP, 10);
    expect(estimate.falseNegatives).toBeCloseTo(expected.FN, 10);
    expect(estimate.trueNegatives).toBeCloseTo(expected.TN, 10);
    expect(estimate.accuracy).toBeCloseTo(expected.acc, 12);
    expect(estimate.precision).toBeCloseTo(expected.prec, 12);
    expect(estimate.recall).toBeCloseTo(expected.rec, 12);
    expect(estimate.f1).toBeCloseTo(expected.f1, 12);
    expect(estimate.rocAuc).toBeCloseTo(expected.auc, 12);
    expect(estimate.accuracyStandardError).toBeCloseTo(expected.se_acc, 12);
  });
  test('nothing predicted, or predictions where nothing was ever labelled, is undefined', () => {
    expect(estimatePerformance([0.5], [0], [0], 1).accuracy).toBeNaN();
    expect(estimatePerformance([NaN], [3], [0], 1).accuracy).toBeNaN();
    expect(estimatePerformance([NaN, 0.5], [0, 3], [0, 1], 2).accuracy).toBe(0.5);
  });
});
