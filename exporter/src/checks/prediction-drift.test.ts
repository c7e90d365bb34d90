import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import {
  addCode,
  addValues,
  baselineOf,
  emptyCounts,
  HOUR,
  scoreBins,
  SPREAD,
  testContext,
  usualCounts,
} from '../../test/support/model-counts.ts';
import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import { MISSING, NOT_FINITE } from '../histogram/bin-scheme.ts';
import type { ModelContext, ModelCounts } from './check.ts';
import { predictionDrift } from './prediction-drift.ts';

const DAY = 24 * HOUR;
const SCORE = 0;
const CLASS = 1;
const binary = testContext();
const multiclass = testContext({ task: 'multiclass' });
const evaluate = (window: ModelCounts, context: ModelContext = binary) =>
  predictionDrift.evaluate(context, window, DAY);

/** Scores of the baseline (0, .001 ... .999) without those below `from`, each `times` times: D is `from`. */
function scoresFrom(from: number, times = 1, step = 1): ModelCounts {
  const scores = SPREAD.map((x) => x / 100).filter((x, i) => x >= from && i % step === 0);
  const window = emptyCounts(scores.length * times);
  for (let i = 0; i < times; i++) addValues(window.features, SCORE, scoreBins, scores);
  window.features.scoreSum = times * scores.reduce((sum, x) => sum + x, 0);
  return window;
}

/** Classes alone; the baseline has 500 of each. */
function classes(no: number, yes: number): ModelCounts {
  const window = emptyCounts(no + yes);
  window.features.column(CLASS).set([no, yes]);
  return window;
}

describe('scores of a binary model, thresholds p 0.05, effect 0.1', () => {
  test.each([
    ['the same', 0, 1, 'ok', 100, 0],
    ['half the effect, not significant', 0.05, 1, 'ok', 100, 0.05],
    ['half the effect exactly', 0.05, 10, 'warning', 87.5, 0.05],
    ['less than half of it', 0.045, 100, 'ok', 88.75, 0.045],
    ['the effect exactly', 0.1, 1, 'alert', 75, 0.1],
    ['twice', 0.2, 1, 'alert', 50, 0.2],
    ['three times', 0.3, 1, 'alert', 25, 0.3],
    ['four times', 0.4, 1, 'alert', 0, 0.4],
    ['farther', 0.49, 1, 'alert', 0, 0.49],
  ])('%s', (_name, from, times, state, score, statistic) => {
    const found = evaluate(scoresFrom(from, times));
    expect(found.ksStatistic).toBeCloseTo(statistic, 12);
    expect(found.state).toBe(state);
    expect(found.score).toBeCloseTo(score, 9);
    expect(found.reason).toBeNull();
    expect(found.samples).toBe(Math.round((1_000 - 1_000 * from) * times));
    // The mean of from ... .999 is (from + .999) / 2, that of the baseline .4995.
    expect(found.meanShift).toBeCloseTo(from / 2, 9);
  });

  test('an alert on too few is a warning', () => {
    const found = evaluate(scoresFrom(0.4, 1, 2));
    expect(found.samples).toBe(300);
    expect(found.state).toBe('warning');
    expect(found.score).toBeCloseTo(0, 9);
  });

  test('takes the thresholds of the model', () => {
    const thresholds = { ...DEFAULT_SETTINGS.defaults.thresholds, minKsStatistic: 0.4 };
    const found = evaluate(scoresFrom(0.3), testContext({}, { thresholds }));
    expect(found.state).toBe('warning');
    expect(found.score).toBeCloseTo(100 * (1 - 0.3 / 1.6), 9);
  });

  test('classes do not count beside scores', () => {
    const window = scoresFrom(0);
    window.features.column(CLASS).set([1_000, 0]);
    expect(evaluate(window).state).toBe('ok');
  });

  test('a value of a regression is compared the same way', () => {
    expect(evaluate(scoresFrom(0.2), testContext({ task: 'regression' }))).toMatchObject({ state: 'alert' });
  });

  test.each([
    ['overflowed', Infinity],
    ['overflowed, and of which rows were erased', NaN],
  ])('a sum of values that %s has no mean, and changes nothing else', (_, sum) => {
    const context = testContext({ task: 'regression' });
    const sound = evaluate(scoresFrom(0.2), context);
    const window = scoresFrom(0.2);
    window.features.scoreSum = sum;
    for (const cell of window.features.tails.keys()) window.features.tails.set(cell, sum);
    expect(evaluate(window, context)).toEqual({ ...sound, meanShift: sum });
  });
});

describe('classes without scores', () => {
  test.each([
    ['the same', 500, 500, 'ok', 100],
    ['below half the effect', 545, 455, 'ok', 88.75],
    ['above half of it', 560, 440, 'warning', 85],
    ['above it', 620, 380, 'alert', 70],
    ['four times', 900, 100, 'alert', 0],
    ['a class that is gone', 0, 1_000, 'alert', 0],
  ])('%s', (_name, no, yes, state, score) => {
    const found = evaluate(classes(no, yes));
    expect(found.state).toBe(state);
    expect(found.score).toBeCloseTo(score, 9);
    expect(found.ksStatistic).toBeCloseTo(Math.abs(no / 1_000 - 0.5), 12);
    expect(found.meanShift).toBeNaN();
  });
});

describe('several classes with scores: the worse counts', () => {
  const both = (from: number, no: number) => {
    const window = scoresFrom(from);
    window.features.column(CLASS).set([no, window.features.rows - no]);
    return evaluate(window, multiclass);
  };
  test.each([
    ['neither moved', 0, 500, 'ok', 0],
    ['only the scores', 0.2, 400, 'alert', 0.2],
    ['only the classes', 0, 800, 'alert', 0.3],
    ['the scores more', 0.4, 360, 'alert', 0.4],
    ['the classes more', 0.2, 720, 'alert', 0.4],
  ])('%s', (_name, from, no, state, statistic) => {
    const found = both(from, no);
    expect(found.state).toBe(state);
    expect(found.ksStatistic).toBeCloseTo(statistic, 12);
  });

  test('p-values are adjusted over the two', () => {
    // Pooled z test: .045 / sqrt(.5225 * .4775 * 2 / 1000) = 2.0145, two-sided p = .0440; of two tests, .0879.
    expect(both(0, 545).pValue).toBeCloseTo(0.0879, 3);
    expect(both(0, 545).score).toBe(100);
  });
});

describe('prediction drift without data', () => {
  const unusable = emptyCounts(1_000);
  addCode(unusable.features, SCORE, MISSING, 500);
  addCode(unusable.features, SCORE, NOT_FINITE, 500);
  addCode(unusable.features, CLASS, MISSING, 1_000);
  const noScores = baselineOf(classes(500, 500));
  const reason = (n: number) => `${n} predictions with a score or class to compare in the window, 100 are needed`;
  test.each([
    ['an empty window', emptyCounts(), binary, reason(0)],
    ['no usable score or class', unusable, binary, reason(0)],
    ['one too few', classes(99, 0), binary, reason(99)],
    ['no baseline', usualCounts(), testContext({ baseline: null }), 'there is no baseline yet'],
    ['an empty baseline', usualCounts(), testContext({ baseline: baselineOf(emptyCounts()) }), reason(0)],
    ['scores on one side only', scoresFrom(0.4), testContext({ baseline: noScores }), reason(0)],
    ['a task that is not known', usualCounts(), testContext({ task: 'unknown' }), reason(0)],
    ['a regression without values', classes(900, 100), testContext({ task: 'regression' }), reason(0)],
  ])('%s', (_name, window, context, expected) => {
    const found = evaluate(window, context);
    expect(found.state).toBe('insufficient_data');
    expect(found.reason).toBe(expected);
    for (const figure of [found.score, found.klDivergence, found.psi, found.ksStatistic, found.pValue, found.meanShift])
      expect(figure).toBeNaN();
  });

  test('enough to report exactly', () => expect(evaluate(classes(50, 50)).state).toBe('ok'));
});

test('property: the score is 0..100 and never rises with the shift', () => {
  const shift = fc.integer({ min: 0, max: 9 }).map((tenths) => tenths / 10);
  fc.assert(
    fc.property(shift, shift, (a, b) => {
      const nearer = evaluate(scoresFrom(Math.min(a, b))).score;
      const further = evaluate(scoresFrom(Math.max(a, b))).score;
      expect(nearer).toBeGreaterThanOrEqual(further);
      expect(further).toBeGreaterThanOrEqual(0);
      expect(nearer).toBeLessThanOrEqual(100);
    }),
    { numRuns: 40 },
  );
});
