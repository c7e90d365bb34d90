import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { baselineOf, emptyCounts, HOUR, testContext } from '../../test/support/model-counts.ts';
import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import type { ModelSettings } from '../domain/settings.ts';
import type { KnownOrUnknownTask } from '../domain/task.ts';
import type { ModelCounts } from './check.ts';
import { performance } from './performance.ts';

const DAY = 24 * HOUR;
const { thresholds } = DEFAULT_SETTINGS.defaults;

/** Labelled predictions of two classes without scores, so many of them right; each was expected to be one of `rows`. */
function answers(labelled: number, right: number, rows = labelled): ModelCounts {
  const counts = emptyCounts(rows);
  counts.performance.labelled = labelled;
  if (right > 0) counts.performance.confusion.set(0, right);
  if (labelled > right) counts.performance.confusion.set(1 * 256 + 0, labelled - right);
  return counts;
}

/** Nine in ten right; `gap` is the mean score less the observed rate of .3, whatever the answers. */
function scored(n: number, gap: number, right = 0.9 * n): ModelCounts {
  const counts = answers(n, right);
  const scores = counts.performance;
  scores.scored = n;
  scores.positives = 0.3 * n;
  scores.scoreSum = (0.3 + gap) * n;
  scores.brierSum = (0.1 + gap * gap) * n;
  return counts;
}

/** A regression whose absolute errors are `mae` less and plus a half of it. */
function errors(n: number, mae: number): ModelCounts {
  const counts = emptyCounts(n);
  const sums = counts.performance;
  sums.labelled = n;
  sums.numeric = n;
  sums.absoluteErrorSum = n * mae;
  sums.squaredErrorSum = n * mae * mae * 1.25;
  return counts;
}

function evaluate(
  window: ModelCounts,
  baseline: ModelCounts | null,
  task: KnownOrUnknownTask = 'binary',
  settings: Partial<ModelSettings> = {},
) {
  const known = baseline === null ? null : baselineOf(baseline);
  return performance.evaluate(testContext({ task, baseline: known }, settings), window, DAY);
}

describe('accuracy, threshold 0.05, baseline 0.9 of 1,000', () => {
  const baseline = answers(1_000, 900);
  test.each([
    ['better', 1_000, 950, 'ok', 100],
    ['as before', 1_000, 900, 'ok', 100],
    ['below half the threshold', 1_000, 880, 'ok', 80],
    // z = .04 / sqrt(.12 * .88 * .002) = 2.75, one-sided p = .003.
    ['above half of it, perhaps by chance', 1_000, 860, 'ok', 60],
    ['above half of it, surely', 4_000, 3_420, 'warning', 55],
    ['above it', 1_000, 840, 'alert', 40],
    ['twice and beyond', 1_000, 780, 'alert', 0],
    ['none right', 1_000, 0, 'alert', 0],
    ['enough labels to alert exactly', 200, 150, 'alert', 0],
    ['one too few to alert', 199, 149, 'warning', 0],
    ['enough to report exactly', 100, 90, 'ok', 100],
  ])('%s', (_name, labelled, right, state, score) => {
    const found = evaluate(answers(labelled, right), baseline);
    expect(found.state).toBe(state);
    expect(found.drop).toBeCloseTo(0.9 - right / labelled, 12);
    expect(found.score).toBeCloseTo(score, 6);
    expect(found).toMatchObject({ samples: labelled, reason: null, windowMs: DAY, labelCoverage: 1 });
    expect(found.calibrationGapChange).toBeNaN();
  });

  test('how surely it dropped is told also far below the threshold, and not without enough labels', () => {
    expect(evaluate(answers(1_000, 860), baseline).dropPValue).toBeCloseTo(0.00299, 4);
    expect(evaluate(answers(40_000, 35_200), answers(40_000, 36_000)).dropPValue).toBeLessThan(1e-9);
    expect(evaluate(answers(99, 0), baseline).dropPValue).toBeNaN();
  });

  test('the threshold itself is no alert: 0.125 of 0.75', () => {
    const own = { thresholds: { ...thresholds, accuracyDrop: 0.125 } };
    const at = evaluate(answers(1_600, 1_000), answers(1_600, 1_200), 'multiclass', own);
    expect(at.drop).toBe(0.125);
    expect(at.state).toBe('warning');
    expect(at.score).toBe(50);
    expect(evaluate(answers(1_600, 999), answers(1_600, 1_200), 'multiclass', own).state).toBe('alert');
  });
});

describe('calibration gap of a binary model, threshold 0.05, baseline 0.01', () => {
  const baseline = scored(2_000, 0.01);
  test.each([
    ['as before', 0.01, 'ok', 100],
    ['below half the threshold', 0.03, 'ok', 80],
    ['above half of it', 0.05, 'warning', 60],
    ['above it', 0.08, 'alert', 30],
    ['above it downwards', -0.06, 'alert', 30],
    ['far', 0.3, 'alert', 0],
  ])('%s', (_name, gap, state, score) => {
    const found = evaluate(scored(2_000, gap), baseline);
    expect(found.drop).toBeCloseTo(0, 12);
    expect(found.calibrationGapChange).toBeCloseTo(Math.abs(gap - 0.01), 9);
    expect(found.state).toBe(state);
    expect(found.score).toBeCloseTo(score, 6);
  });

  test('the worse of gap and accuracy counts', () => {
    expect(evaluate(scored(2_000, 0.03, 1_680), baseline).score).toBeCloseTo(40, 6);
    expect(evaluate(scored(2_000, 0.09, 1_760), baseline).score).toBeCloseTo(20, 6);
  });

  test('a change that may be chance is no alert', () => {
    // The standard error of the difference is sqrt(.1 / 150 + .1 / 2000) = .027: .06 is 2.2 of them.
    expect(evaluate(scored(150, 0.07), baseline)).toMatchObject({ state: 'ok' });
  });
});

describe('relative rise of the mean absolute error, threshold 0.05, baseline 10', () => {
  const baseline = errors(20_000, 10);
  test.each([
    ['better', 20_000, 8, 'ok', 100],
    ['as before', 20_000, 10, 'ok', 100],
    ['above half the threshold', 20_000, 10.4, 'warning', 60],
    ['above it', 20_000, 10.6, 'alert', 40],
    ['above it, perhaps by chance', 300, 10.6, 'ok', 40],
    ['twice and beyond', 300, 20, 'alert', 0],
    ['the same on too few to alert', 150, 20, 'warning', 0],
  ])('%s', (_name, n, mae, state, score) => {
    const found = evaluate(errors(n, mae), baseline, 'regression');
    expect(found.drop).toBeCloseTo(mae / 10 - 1, 12);
    expect(found.state).toBe(state);
    expect(found.score).toBeCloseTo(score, 6);
    expect(found.samples).toBe(n);
  });
});

describe('performance without data', () => {
  const enough = answers(1_000, 900);
  const labels = (n: number) => `${n} labelled predictions in the window, 100 are needed`;
  const tooLarge = (where: string) => `errors in the ${where} were too large to be summed`;
  /** Of 3, after rows with errors of 1e308 were taken out again. */
  const erased = (n: number): ModelCounts => {
    const counts = errors(n, 3);
    counts.performance.merge(errors(10, 1e308).performance, 1);
    counts.performance.merge(errors(10, 1e308).performance, -1);
    return counts;
  };
  test.each<[string, ModelCounts, ModelCounts | null, KnownOrUnknownTask, string]>([
    ['an empty window', emptyCounts(), enough, 'binary', labels(0)],
    ['predictions without labels', emptyCounts(5_000), enough, 'binary', labels(0)],
    ['one label too few', answers(99, 0), enough, 'binary', labels(99)],
    ['no baseline', enough, null, 'binary', 'there is no baseline yet'],
    [
      'a baseline without labels',
      enough,
      emptyCounts(1_000),
      'binary',
      'the baseline has 0 labelled rows, 100 are needed',
    ],
    ['one label too few in it', enough, answers(99, 99), 'binary', 'the baseline has 99 labelled rows, 100 are needed'],
    ['labels that are no values', enough, enough, 'regression', labels(0)],
    ['a task that is not known', enough, enough, 'unknown', 'the task of the model is not known yet'],
    [
      'a baseline without any error',
      errors(500, 3),
      errors(500, 0),
      'regression',
      'the baseline has no error to compare with',
    ],
    // Squares are the first to overflow: without them nothing can be told from chance.
    ['errors whose squares overflow', errors(500, 1e160), errors(500, 3), 'regression', tooLarge('window')],
    ['errors that overflow', errors(500, 1e308), errors(500, 3), 'regression', tooLarge('window')],
    ['errors that overflowed, and were erased', erased(500), errors(500, 3), 'regression', tooLarge('window')],
    ['errors that overflow in the baseline', errors(500, 3), errors(500, 1e308), 'regression', tooLarge('baseline')],
    ['erased ones in the baseline', errors(500, 3), erased(500), 'regression', tooLarge('baseline')],
  ])('%s', (_name, window, baseline, task, reason) => {
    const found = evaluate(window, baseline, task);
    expect(found.state).toBe('insufficient_data');
    expect(found.score).toBeNaN();
    expect(found.reason).toBe(reason);
  });

  test.each([
    ['enough', 0.25, 'ok', null],
    ['too little', 0.2501, 'insufficient_data', "25.0 % of the window's predictions have labels, 25.0 % are needed"],
  ])('label coverage: %s', (_name, minimumLabelCoverage, state, reason) => {
    const found = evaluate(answers(500, 450, 2_000), enough, 'binary', { minimumLabelCoverage });
    expect(found.labelCoverage).toBe(0.25);
    expect(found).toMatchObject({ state, reason });
  });

  test('the lower of the two minimums is needed', () => {
    const minimumSamples = { report: 100, alert: 500, labels: 30 };
    expect(evaluate(answers(30, 27), enough, 'binary', { minimumSamples }).state).toBe('ok');
    expect(evaluate(answers(29, 26), enough, 'binary', { minimumSamples }).state).toBe('insufficient_data');
  });
});

test('property: the score is 0..100, never NaN, and never rises with the wrong answers', () => {
  const baseline = answers(1_000, 900);
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 5_000 }), fc.nat(5_000), fc.nat(500), (n, wrong, more) => {
      const right = Math.max(0, n - wrong);
      const better = evaluate(answers(n, right), baseline).score;
      const worse = evaluate(answers(n, Math.max(0, right - more)), baseline).score;
      expect(better).toBeGreaterThanOrEqual(worse);
      expect(worse).toBeGreaterThanOrEqual(0);
      expect(better).toBeLessThanOrEqual(100);
    }),
  );
});
