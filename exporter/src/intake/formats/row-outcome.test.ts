import { expect, test } from '@jest/globals';
import { outcomeOf } from './row-outcome.ts';

const PLAIN = { classes: null, output: 'prediction' } as const;
const SCORE = { classes: null, output: 'score' } as const;
const NAMED = { classes: ['no', 'yes'], output: 'score' } as const;

test.each<readonly [string, unknown, Parameters<typeof outcomeOf>[1], unknown]>([
  ['a class', 'setosa', PLAIN, { prediction: 'setosa' }],
  ['a number', 3.5, PLAIN, { prediction: 3.5 }],
  ['a score', 0.7, SCORE, { prediction: '1', score: 0.7 }],
  ['a score below the middle, named', 0.2, NAMED, { prediction: 'no', score: 0.2 }],
  ['a list of one', [[0.2]], NAMED, { prediction: 'no', score: 0.2 }],
  ['scores by class', [0.2, 0.8], NAMED, { prediction: 'yes', scores: { no: 0.2, yes: 0.8 } }],
  ['logits have no scores', [-1, 3], PLAIN, { prediction: '1' }],
  ['no numbers', ['a', 'b'], PLAIN, {}],
  ['nothing', [], PLAIN, {}],
  ['null', null, PLAIN, { prediction: null }],
  ['label and probability', { label: 'x', probability: 0.9 }, PLAIN, { prediction: 'x', score: 0.9 }],
  [
    'class and probabilities',
    { class: 'b', probabilities: { a: 0.3, b: 0.7 } },
    PLAIN,
    { prediction: 'b', scores: { a: 0.3, b: 0.7 } },
  ],
  ['probabilities alone', { scores: [0.3, 0.7] }, PLAIN, { prediction: '1', scores: { 0: 0.3, 1: 0.7 } }],
  ['one unknown key', { '0': 1 }, PLAIN, { prediction: 1 }],
  ['columns of scores', { cat: 0.1, dog: 0.9 }, PLAIN, { prediction: 'dog', scores: { cat: 0.1, dog: 0.9 } }],
])('%s', (_name, value, reading, outcome) => expect(outcomeOf(value, reading)).toEqual(outcome));
