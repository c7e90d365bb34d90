import { describe, expect, test } from '@jest/globals';

import { addCode, baselineOf, emptyCounts, scoreBins, testContext } from '../../test/support/model-counts.ts';
import { testTarget } from '../../test/support/model-target.ts';
import { buildNumericBins, nextDown } from '../histogram/bin-scheme.ts';
import { OTHER } from '../histogram/categories.ts';
import { countLabel } from '../histogram/count-label.ts';
import { CLASS_COLUMN, SCORE_COLUMN } from '../histogram/model-columns.ts';
import type { ModelCounts } from './check.ts';
import { estimateOf } from './estimated-performance.ts';
import { performanceFigures } from './performance-figures.ts';

const NEEDED = { rows: 100, labels: 100 };
const codeOf = (score: number) => scoreBins.edges.filter((edge) => edge < score).length;

/** Labelled rows of a baseline: at each score so many, of which so many came true. */
function baseline(...at: (readonly [score: number, rows: number, positives: number])[]): ModelCounts {
  const counts = emptyCounts();
  for (const [score, rows, positives] of at) {
    counts.performance.labelled += rows;
    counts.performance.scores.set(codeOf(score) * 2, rows - positives).set(codeOf(score) * 2 + 1, positives);
  }
  return counts;
}

/** Predictions of a window: at each score so many, of which so many were predicted positive (class 1). */
function window(...at: (readonly [score: number, rows: number, predicted: number | null])[]): ModelCounts {
  const counts = emptyCounts();
  for (const [score, rows, predicted] of at) {
    addCode(counts.features, SCORE_COLUMN, codeOf(score), rows);
    if (predicted === null) continue;
    addCode(counts.features, CLASS_COLUMN, 1, predicted);
    addCode(counts.features, CLASS_COLUMN, 0, rows - predicted);
    counts.features.positives[codeOf(score)]! += predicted;
  }
  return counts;
}

const CALIBRATED = baseline([0.2, 500, 100], [0.8, 500, 400]);

function estimate(now: ModelCounts, then: ModelCounts | null = CALIBRATED, over: object = {}, needed = NEEDED) {
  const context = testContext({ baseline: then === null ? null : baselineOf(then), ...over });
  return estimateOf(context, now, performanceFigures(now.performance, context), needed);
}

describe('two classes', () => {
  test('each prediction is right as often as the baseline says, by hand', () => {
    const found = estimate(window([0.2, 300, 0], [0.8, 100, 100]))!;
    // 300 of them right with .8, 100 with .8.
    expect(found.samples).toBe(400);
    expect(found.accuracy).toBeCloseTo(0.8, 12);
    expect(found.accuracyStandardError).toBeCloseTo(Math.sqrt(400 * 0.16) / 400, 12);
    // Expected: 60 positives and 240 negatives below, 80 and 20 above; 80 * 240 pairs won, 60 * 240 + 80 * 20 tied, of 140 * 260.
    expect(found.rocAuc).toBeCloseTo((80 * 240 + (60 * 240 + 80 * 20) / 2) / (140 * 260), 12);
    expect(found.rocAucStandardError).toBeGreaterThan(0);
  });

  test('the decision is the one that was made, not the one that the score suggests', () => {
    const found = estimate(window([0.2, 200, 200], [0.8, 200, 0]))!;
    expect(found.accuracy).toBeCloseTo(0.2, 12);
  });

  test('scores without classes are decided at one half', () => {
    const score = buildNumericBins(
      Float64Array.from({ length: 100 }, (_, i) => i / 100),
      { mustHaveEdges: [nextDown(0.5)] },
    );
    const scheme = { ...testTarget().scheme, score };
    const code = (of: number) => score.edges.filter((edge) => edge < of).length;
    const then = emptyCounts();
    const now = emptyCounts();
    for (const [of, positives] of [
      [0.49, 0],
      [0.5, 200],
    ] as const) {
      then.performance.scores.set(code(of) * 2, 200 - positives).set(code(of) * 2 + 1, positives);
      addCode(now.features, SCORE_COLUMN, code(of), 100);
    }
    expect(estimate(now, then, { scheme })!.accuracy).toBe(1);
  });

  test('against what came true of the labelled ones: concept drift that the estimate is blind to', () => {
    const now = window([0.2, 300, 0], [0.8, 100, 100]);
    // Only half of the scores of .8 still come true.
    const target = testTarget();
    for (let i = 0; i < 200; i++) {
      const high = i < 100;
      const label = { className: (high ? i % 2 === 0 : i % 5 === 0) ? 'yes' : 'no', value: NaN };
      const outcome = { prediction: NaN, className: high ? 'yes' : 'no', score: high ? 0.8 : 0.2, scores: null };
      countLabel(now.performance, target, outcome, label, NaN);
    }
    const found = estimate(now)!;
    expect(found.labelledSamples).toBe(200);
    // Promised .8; of 100 high ones 50 were right, of 100 low ones 80.
    expect(found.accuracyError).toBeCloseTo(0.8 - 0.65, 12);
    expect(found.rocAucError).toBeGreaterThan(0.05);
  });

  test('labels that are too few say nothing of it', () => {
    const found = estimate(window([0.2, 300, 0], [0.8, 100, 100]))!;
    expect(found).toMatchObject({ labelledSamples: 0, accuracyError: NaN, rocAucError: NaN });
  });
});

describe('several classes', () => {
  /** Labelled: at each top score so many, of which so many were right. */
  const learnt = (...at: (readonly [score: number, rows: number, right: number])[]) => {
    const counts = emptyCounts();
    for (const [score, rows, right] of at)
      counts.performance.decisions.set(codeOf(score) * 2, rows - right).set(codeOf(score) * 2 + 1, right);
    return counts;
  };

  test('by how often the top score was right', () => {
    const now = window([0.4, 100, null], [0.9, 300, null]);
    const found = estimate(now, learnt([0.4, 200, 80], [0.9, 200, 180]), { task: 'multiclass' })!;
    expect(found.accuracy).toBeCloseTo((100 * 0.4 + 300 * 0.9) / 400, 12);
    expect(found.rocAuc).toBeNaN();
  });

  test('against what came true', () => {
    const now = window([0.9, 300, null]);
    now.performance.decisions.set(codeOf(0.9) * 2, 60).set(codeOf(0.9) * 2 + 1, 140);
    const found = estimate(now, learnt([0.9, 200, 180]), { task: 'multiclass' })!;
    expect(found.accuracyError).toBeCloseTo(0.9 - 0.7, 12);
    expect(found.labelledSamples).toBe(200);
  });
});

describe('nothing is estimated', () => {
  const now = window([0.2, 300, 0], [0.8, 100, 100]);
  const unnamed = window([0.2, 300, 0], [0.8, 100, null]);
  test.each([
    ['without a baseline', now, null, {}],
    ['without labels in the baseline', now, emptyCounts(1_000), {}],
    ['with too few of them', now, baseline([0.2, 99, 10]), {}],
    ['of too few predictions', window([0.2, 99, 0]), CALIBRATED, {}],
    ['of predictions without scores', emptyCounts(500), CALIBRATED, {}],
    ['when some name their class and some do not', unnamed, CALIBRATED, {}],
    ['for a regression', now, CALIBRATED, { task: 'regression' }],
    ['while the task is not known', now, CALIBRATED, { task: 'unknown' }],
  ])('%s', (_name, counts, then, over) => expect(estimate(counts, then, over)).toBeNull());

  test('a class that nobody knows is a class', () => {
    const odd = window([0.2, 300, 0]);
    addCode(odd.features, SCORE_COLUMN, codeOf(0.2), 5);
    addCode(odd.features, CLASS_COLUMN, OTHER, 5);
    expect(estimate(odd)?.samples).toBe(305);
  });
});
