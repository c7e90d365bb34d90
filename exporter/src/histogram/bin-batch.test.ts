import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { testTarget } from '../../test/support/model-target.ts';
import { binBatch } from './bin-batch.ts';
import { MISSING, NOT_FINITE, TYPE_ERROR } from './bin-scheme.ts';
import type { NumericBins } from './bin-scheme.ts';
import { OTHER } from './categories.ts';
import { ABSENT } from './model-columns.ts';
import type { ModelTarget } from './model-target.ts';
import type { PredictionBatch } from './prediction-batch.ts';

/** Columns: score 0, class 1, age 2, region 3, income 4. */
const withBaseline = testTarget();
const without = testTarget({ versionId: 2 }, false);
const regression = testTarget({ task: 'regression' });

interface Row {
  readonly target: ModelTarget;
  readonly numbers: readonly number[];
  readonly texts: readonly (string | null)[];
  readonly className: string | null;
  readonly score: number;
  readonly scores: readonly number[] | null;
  readonly prediction: number;
  readonly error: string | null;
  readonly invalid: readonly number[] | null;
}
const usual: Row = {
  target: withBaseline,
  numbers: [50, 400],
  texts: ['north'],
  className: 'yes',
  score: 0.8,
  scores: null,
  prediction: NaN,
  error: null,
  invalid: null,
};

function batchOf(rows: readonly Row[]): PredictionBatch {
  const starts = (lengths: readonly number[]) => {
    const at = [0];
    for (const length of lengths) at.push(at.at(-1)! + length);
    return Int32Array.from(at);
  };
  return {
    rows: rows.length,
    targets: rows.map(({ target }) => target),
    index: new Int32Array(rows.length),
    timeMs: new Float64Array(rows.length),
    ids: Buffer.alloc(16 * rows.length),
    idTexts: rows.map(() => null),
    stamped: new Uint8Array(rows.length),
    predictions: Float64Array.from(rows, ({ prediction }) => prediction),
    classes: rows.map(({ className }) => className),
    scores: Float64Array.from(rows, ({ score }) => score),
    classScores: rows.map(({ scores }) => scores),
    latencyMs: new Float32Array(rows.length),
    errors: rows.map(({ error }) => error),
    segments: rows.map(() => null),
    numbers: Float64Array.from(rows.flatMap(({ numbers }) => numbers)),
    numberAt: starts(rows.map(({ numbers }) => numbers.length)),
    texts: rows.flatMap(({ texts }) => texts),
    textAt: starts(rows.map(({ texts }) => texts.length)),
    invalid: rows.map(({ invalid }) => invalid),
  };
}

const codesOf = (over: Partial<Row>): number[] => [...binBatch(batchOf([{ ...usual, ...over }])).codes];
const lookUp = (bins: unknown, value: number) => (bins as NumericBins).edges.filter((edge) => edge < value).length;
const age = (value: number) => lookUp(withBaseline.scheme.features[0], value);
const income = (value: number) => lookUp(withBaseline.scheme.features[2], value);
const score = (value: number) => lookUp(withBaseline.scheme.score, value);

describe('one row becomes one byte a column: score, class, age, region, income', () => {
  const full = [score(0.8), 1, age(50), 0, income(400)];
  const at = (column: number, code: number) => full.map((of, i) => (i === column ? code : of));
  test.each<[string, Partial<Row>, number[]]>([
    ['a usual one', {}, full],
    ['the other class', { className: 'no' }, at(1, 0)],
    ['a class nobody knows', { className: 'maybe' }, at(1, OTHER)],
    ['no class', { className: null }, at(1, MISSING)],
    ['no score', { score: NaN }, at(0, MISSING)],
    ['an endless score', { score: Infinity }, at(0, NOT_FINITE)],
    ['scores by class: the positive one counts', { score: NaN, scores: [0.7, 0.3] }, at(0, score(0.3))],
    ['a number on an edge', { numbers: [9.9, 400] }, at(2, age(9.9))],
    ['below the baseline', { numbers: [-1e9, 400] }, at(2, 0)],
    ['above it', { numbers: [1e9, 400] }, at(2, age(1e9))],
    ['no number', { numbers: [NaN, 400] }, at(2, MISSING)],
    ['an endless number', { numbers: [-Infinity, 400] }, at(2, NOT_FINITE)],
    ['a number of the wrong type', { numbers: [NaN, 400], invalid: [2] }, at(2, TYPE_ERROR)],
    ['the second category', { texts: ['south'] }, at(3, 1)],
    ['an unseen one', { texts: ['moon'] }, at(3, OTHER)],
    ['no text', { texts: [null] }, at(3, MISSING)],
    ['a text of the wrong type', { texts: [null], invalid: [3] }, at(3, TYPE_ERROR)],
    ['a feature that was not registered yet', { numbers: [50] }, at(4, ABSENT)],
    ['texts that were not', { texts: [] }, at(3, ABSENT)],
  ])('%s', (_name, over, codes) => expect(codesOf(over)).toEqual(codes));

  test('before there is a baseline: present values are counted, not told apart', () => {
    expect(codesOf({ target: without })).toEqual([0, 1, 0, 0, 0]);
    expect(codesOf({ target: without, numbers: [NaN, Infinity], texts: [null] })).toEqual([
      0,
      1,
      MISSING,
      MISSING,
      NOT_FINITE,
    ]);
  });

  test('the score column of a regression holds what it predicted', () => {
    expect(codesOf({ target: regression, prediction: 0.25, className: null })).toEqual([
      score(0.25),
      MISSING,
      age(50),
      0,
      income(400),
    ]);
  });
});

describe('what stands beside the codes', () => {
  test('error codes: none, a known reason, any other', () => {
    const rows = [null, 'timeout', 'new'].map((error) => ({ ...usual, error }));
    expect([...binBatch(batchOf(rows)).errorCodes]).toEqual([0, 1, 255]);
  });

  test.each<[string, Partial<Row>, number, number]>([
    ['of the positive class', {}, 0.8, 0.8],
    ['of the other class: its complement', { className: 'no' }, 0.8, 0.2],
    ['by class', { className: 'no', score: NaN, scores: [0.7, 0.3] }, 0.3, 0.7],
    ['by class, without a class: the top one', { className: null, score: NaN, scores: [0.7, 0.3] }, 0.3, 0.7],
    ['by class, of a class that is not told apart', { className: 'new', scores: [0.7, 0.3] }, 0.8, NaN],
    ['none', { score: NaN }, NaN, NaN],
  ])('watched score and confidence %s', (_name, over, drift, confidence) => {
    const found = binBatch(batchOf([{ ...usual, ...over }]));
    if (Number.isNaN(drift)) expect(found.driftScores[0]).toBeNaN();
    else expect(found.driftScores[0]).toBeCloseTo(drift, 12);
    if (Number.isNaN(confidence)) expect(found.confidences[0]).toBeNaN();
    else expect(found.confidences[0]).toBeCloseTo(confidence, 12);
  });

  test('values in bins that the baseline left empty are kept: row, column, value', () => {
    const found = binBatch(
      batchOf([usual, { ...usual, numbers: [1e9, -7], score: 3 }, { ...usual, numbers: [NaN, 1e9] }]),
    );
    const triples = Array.from({ length: found.tails.length / 3 }, (_, i) => found.tails.slice(3 * i, 3 * i + 3));
    expect(triples).toHaveLength(4);
    for (const triple of [
      [1, 0, 3],
      [1, 2, 1e9],
      [1, 4, -7],
      [2, 4, 1e9],
    ])
      expect(triples).toContainEqual(triple);
  });
});

test('no rows', () => {
  const found = binBatch(batchOf([]));
  expect([found.codes.length, [...found.codeAt], found.tails]).toEqual([0, [0], []]);
});

test('property: a row has the same codes alone and among others, of whatever targets', () => {
  const narrow = testTarget({ versionId: 3, features: withBaseline.features.slice(0, 2) });
  const row = fc.record({
    target: fc.constantFrom(withBaseline, without, regression, narrow),
    numbers: fc.array(fc.oneof(fc.constantFrom(NaN, Infinity), fc.double({ min: -10, max: 1e4, noNaN: true })), {
      maxLength: 2,
    }),
    texts: fc.array(fc.constantFrom('north', 'south', 'moon', null), { maxLength: 1 }),
    className: fc.constantFrom('yes', 'no', 'maybe', null),
    score: fc.oneof(fc.constant(NaN), fc.double({ min: 0, max: 1, noNaN: true })),
    invalid: fc.constantFrom(null, [2], [2, 3]),
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 12 }), (rows) => {
      const all = rows.map((over) => ({ ...usual, ...over }));
      const found = binBatch(batchOf(all));
      all.forEach((one, i) =>
        expect([...found.codes.subarray(found.codeAt[i], found.codeAt[i + 1])]).toEqual(codesOf(one)),
      );
    }),
  );
});
