import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { testTarget } from '../../test/support/model-target.ts';
import { countLabel } from './count-label.ts';
import type { Label, PredictedOutcome } from './count-label.ts';
import { OTHER } from './categories.ts';
import type { ModelTarget } from './model-target.ts';
import { oddsCode, PerformanceCounts } from './performance-counts.ts';

/** Codes: no 0, yes 1; yes is the positive class. */
const binary = testTarget();
/** The same beside a class that was declared, or configured as the positive one, and never came. */
const stray = testTarget({
  positiveClass: 2,
  classCodes: new Map([
    ['stray', 0],
    ['no', 1],
    ['yes', 2],
  ]),
});
const alone = testTarget({ positiveClass: 0, classCodes: new Map([['yes', 0]]) });
const multiclass = testTarget({
  task: 'multiclass',
  classCodes: new Map([
    ['a', 0],
    ['b', 1],
    ['c', 2],
  ]),
});
const regression = testTarget({ task: 'regression' });
const unknown = testTarget({ task: 'unknown' });

const predicted = (over: Partial<PredictedOutcome>): PredictedOutcome => ({
  prediction: NaN,
  className: null,
  score: NaN,
  scores: null,
  ...over,
});
const named = (className: string | null): Label => ({ className, value: NaN });
const valued = (value: number): Label => ({ className: null, value });

function count(target: ModelTarget, outcome: Partial<PredictedOutcome>, label: Label, delay = NaN): PerformanceCounts {
  const counts = new PerformanceCounts();
  countLabel(counts, target, predicted(outcome), label, delay);
  return counts;
}

describe('confusion: predicted class code * 256 + actual', () => {
  test.each<[string, ModelTarget, Partial<PredictedOutcome>, Label, number | null]>([
    ['right', binary, { className: 'yes' }, named('yes'), 257],
    ['a false positive', binary, { className: 'yes' }, named('no'), 256],
    ['a false negative', binary, { className: 'no' }, named('yes'), 1],
    ['a class nobody knows came true', binary, { className: 'no' }, named('maybe'), OTHER],
    ['one was predicted', binary, { className: 'maybe' }, named('yes'), OTHER * 256 + 1],
    ['several classes', multiclass, { className: 'c' }, named('b'), 2 * 256 + 1],
    ['a score alone, one half', binary, { score: 0.5 }, named('yes'), 257],
    ['a score alone, less', binary, { score: 0.49 }, named('yes'), 1],
    ['a score alone, less, and rightly so beside a class that never comes', stray, { score: 0.49 }, named('no'), 257],
    ['a score alone, less, before another class has come', alone, { score: 0.49 }, named('yes'), OTHER * 256],
    ['scores by class, of the positive one', binary, { scores: [0.2, 0.8] }, named('no'), 256],
    ['the class counts before the score', binary, { className: 'no', score: 0.9 }, named('no'), 0],
    ['a score alone without a positive class', testTarget({ positiveClass: -1 }), { score: 0.9 }, named('yes'), null],
    ['a score alone of several classes', multiclass, { score: 0.9 }, named('b'), null],
    ['neither class nor score', binary, {}, named('yes'), null],
    ['a label that is no class', binary, { className: 'yes' }, valued(1), null],
    ['a regression', regression, { prediction: 1, className: '1' }, { className: '1', value: 1 }, null],
    ['a task that is not known', unknown, { className: 'yes' }, named('yes'), null],
  ])('%s', (_name, target, outcome, label, cell) => {
    const counts = count(target, outcome, label);
    expect(counts.confusion).toEqual(new Map(cell === null ? [] : [[cell, 1]]));
    expect(counts.labelled).toBe(1);
  });
});

describe('scores of a binary model', () => {
  test('a positive one, by hand', () => {
    const counts = count(binary, { score: 0.8 }, named('yes'));
    expect(counts).toMatchObject({ scored: 1, positives: 1, scoreSum: 0.8 });
    expect(counts.brierSum).toBeCloseTo(0.04, 12);
    expect(counts.logLossSum).toBeCloseTo(0.22314355131421, 12);
  });

  test('a negative one', () => {
    const counts = count(binary, { score: 0.8 }, named('no'));
    expect(counts).toMatchObject({ scored: 1, positives: 0, scoreSum: 0.8 });
    expect(counts.brierSum).toBeCloseTo(0.64, 12);
    expect(counts.logLossSum).toBeCloseTo(1.6094379124341, 12);
  });

  test('the bin of the score, and whether it was positive', () => {
    const { edges } = binary.scheme.score;
    const code = edges.filter((edge) => edge < 0.8).length;
    expect(count(binary, { score: 0.8 }, named('yes')).scores).toEqual(new Map([[2 * code + 1, 1]]));
    expect(count(binary, { score: 0.8 }, named('no')).scores).toEqual(new Map([[2 * code, 1]]));
  });

  test('sure and wrong costs much, not everything: -ln 1e-15', () => {
    expect(count(binary, { score: 0 }, named('yes')).logLossSum).toBeCloseTo(34.538776394910684, 9);
    expect(count(binary, { score: 1 }, named('no')).logLossSum).toBeCloseTo(34.538776394910684, 9);
  });

  test.each([
    ['a margin above 1', 1.5],
    ['a margin below 0', -0.5],
  ])('%s ranks, and is no probability', (_name, score) => {
    const counts = count(binary, { score }, named('yes'));
    expect(counts.scores.size).toBe(1);
    expect(counts).toMatchObject({ scored: 0, scoreSum: 0, positives: 0, brierSum: 0, logLossSum: 0 });
  });

  test.each([
    ['no score', binary, { className: 'yes' }],
    ['an endless one', binary, { className: 'yes', score: Infinity }],
    ['no positive class', testTarget({ positiveClass: -1 }), { className: 'yes', score: 0.7 }],
    ['several classes', multiclass, { className: 'a', score: 0.7 }],
  ] as const)('%s: none', (_name, target, outcome) => {
    const counts = count(target, outcome, named('yes'));
    expect(counts.scores.size).toBe(0);
    expect(counts.scored).toBe(0);
    expect(counts.confusion.size).toBe(1);
  });
});

describe('values of a regression', () => {
  test('errors and moments, by hand', () => {
    const counts = new PerformanceCounts();
    for (const [prediction, value] of [
      [1, 2],
      [4, 2],
      [2, 5],
    ] as const)
      countLabel(counts, regression, predicted({ prediction }), valued(value), NaN);
    expect(counts).toMatchObject({ labelled: 3, numeric: 3, absoluteErrorSum: 6, squaredErrorSum: 14, errorSum: -2 });
    expect(counts.labelMean).toBeCloseTo(3, 12);
    expect(counts.labelM2).toBeCloseTo(6, 12);
  });

  test.each([
    ['no prediction', NaN, 1],
    ['an endless one', Infinity, 1],
    ['a label that is no value', 1, NaN],
    ['an endless label', 1, -Infinity],
  ])('%s is a label and no value', (_name, prediction, value) => {
    expect(count(regression, { prediction }, valued(value))).toMatchObject({ labelled: 1, numeric: 0, errorSum: 0 });
  });

  test('property: mean and squares of the labels, also far from 0', () => {
    const small = fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(small, fc.constantFrom(0, 1e9), (values, offset) => {
        const counts = new PerformanceCounts();
        for (const value of values)
          countLabel(counts, regression, predicted({ prediction: 0 }), valued(value + offset), NaN);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        expect(counts.labelMean - offset).toBeCloseTo(mean, 4);
        expect(Math.abs(counts.labelM2 - squares)).toBeLessThanOrEqual(1e-3 * (1 + squares));
      }),
    );
  });
});

describe('delay', () => {
  test.each([
    ['a minute', 60, 1, 60],
    ['a label before its prediction counts as at once', -5, 1, 0],
    ['not known', NaN, 0, 0],
    ['endless', Infinity, 0, 0],
  ])('%s', (_name, seconds, counted, sum) => {
    const counts = count(unknown, {}, named('yes'), seconds);
    expect([...counts.delays.values()].reduce((all, n) => all + n, 0)).toBe(counted);
    expect(counts.delaySum).toBe(sum);
    expect(counts.labelled).toBe(1);
  });

  test('is counted in minutes: one minute ends at code 512', () => {
    expect([...count(binary, {}, named('yes'), 60).delays.keys()]).toEqual([512]);
    expect([...count(binary, {}, named('yes'), 60.01).delays.keys()]).toEqual([513]);
  });
});

describe('decisions, by the bin of the watched score', () => {
  const code = binary.scheme.score.edges.filter((edge) => edge < 0.8).length;
  test.each<[string, ModelTarget, Partial<PredictedOutcome>, Label, number | null]>([
    ['predicted positive, whatever came true', binary, { className: 'yes', score: 0.8 }, named('no'), 2 * code + 1],
    ['predicted negative', binary, { className: 'no', score: 0.8 }, named('no'), 2 * code],
    ['a score alone is positive from one half on', binary, { score: 0.8 }, named('no'), 2 * code + 1],
    ['without a score', binary, { className: 'yes' }, named('no'), null],
    ['several classes: right', multiclass, { className: 'b', scores: [0.1, 0.8, 0.1] }, named('b'), 2 * code + 1],
    ['several classes: wrong', multiclass, { className: 'b', scores: [0.1, 0.8, 0.1] }, named('c'), 2 * code],
    ['a regression', regression, { prediction: 1 }, valued(1), null],
  ])('%s', (_name, target, outcome, label, cell) => {
    expect(count(target, outcome, label).decisions).toEqual(new Map(cell === null ? [] : [[cell, 1]]));
  });
});

describe('scores of several classes', () => {
  test('one cell a class, in bins of the log-odds; log loss of the one that came true, squares over all', () => {
    const counts = count(multiclass, { className: 'a', scores: [0.5, 0.2, 0.3] }, named('c'));
    // ln(.2 / .8) * 64 = -88.7, ln(.3 / .7) * 64 = -54.2
    expect([...counts.scores]).toEqual([
      [1_024 * 2, 1],
      [(2_048 + 1_024 - 89) * 2, 1],
      [(2 * 2_048 + 1_024 - 54) * 2 + 1, 1],
    ]);
    expect(counts.scored).toBe(1);
    expect(counts.logLossSum).toBeCloseTo(-Math.log(0.3), 12);
    expect(counts.brierSum).toBeCloseTo(0.25 + 0.04 + 0.49, 12);
  });

  test.each([
    ['the class that came true has no score', [0.5, 0.5], 'c'],
    ['it is a margin', [0.5, 0.2, 1.3], 'c'],
    ['no scores', null, 'c'],
    ['a class nobody knows', [0.5, 0.2, 0.3], 'd'],
  ])('none: %s', (_name, scores, label) => {
    const counts = count(multiclass, { className: 'a', scores }, named(label));
    expect(counts).toMatchObject({ scored: 0, logLossSum: 0, brierSum: 0 });
    expect(counts.scores.size).toBe(0);
  });

  test('of more than 20 classes no ranking is counted', () => {
    const names = Array.from({ length: 21 }, (_, i) => `c${i}`);
    const many = testTarget({ task: 'multiclass', classCodes: new Map(names.map((name, i) => [name, i])) });
    const counts = count(many, { className: 'c0', scores: names.map(() => 1 / 21) }, named('c3'));
    expect(counts.scores.size).toBe(0);
    expect(counts.logLossSum).toBeCloseTo(Math.log(21), 12);
  });

  test.each([
    ['one half', 0.5, 1_024],
    ['never', 0, 0],
    ['always', 1, 2_047],
    ['next to never', 1e-300, 0],
  ])('the bin of %s', (_name, score, code) => expect(oddsCode(score)).toBe(code));
});
