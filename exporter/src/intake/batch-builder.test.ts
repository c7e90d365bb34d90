import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { testTarget } from '../../test/support/model-target.ts';
import type { FeatureKind } from '../histogram/model-columns.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import type { PredictionBatch } from '../histogram/prediction-batch.ts';
import { BatchBuilder } from './batch-builder.ts';
import type { Envelope } from './envelope.ts';
import { toPrediction } from './formats/prediction-event.ts';

/** Numeric age and income at positions 0 and 1, categorical region; columns 2, 4 and 3. */
const target = testTarget();
const regression = testTarget({ task: 'regression' });
const undecided = testTarget({ task: 'unknown' });
/** Nothing but income, at position 0. */
const [income] = target.features.slice(2).map((feature) => ({ ...feature, position: 0, column: 2 }));
const featureByName = new Map([['income', income!]]);
const narrow = testTarget({ features: [income!], featureByName, numericCount: 1, categoricalCount: 0 });

function envelope(event: Readonly<Record<string, unknown>>, index = 0): Envelope {
  const row = toPrediction(event, index);
  if ('pointer' in row) throw new Error(row.detail);
  const outer = { model: 'churn', version: '1', timeMs: 7, stamped: true, error: 'timeout', segment: '{"a":1}' };
  return { row, id: `id-${index}`, latencyMs: 12.5, score: 0.8, ...outer };
}

function underHeader(names: readonly string[], values: unknown): Envelope {
  const bare = envelope({});
  return { ...bare, row: { ...bare.row, features: { kind: 'row', names, values } } };
}

const rowOf = (batch: PredictionBatch, i: number) => ({
  numbers: [...batch.numbers.subarray(batch.numberAt[i], batch.numberAt[i + 1])],
  texts: batch.texts.slice(batch.textAt[i], batch.textAt[i + 1]),
  invalid: batch.invalid[i],
});

function built(one: Envelope, of: ModelTarget = target) {
  const builder = new BatchBuilder(1);
  const problem = builder.add(one, of);
  return problem ?? { ...builder.build(), ...rowOf(builder.build(), 0) };
}

describe('features', () => {
  test.each<readonly [string, unknown, object]>([
    ['all', { income: 5, region: 'north', age: 34 }, { numbers: [34, 5], texts: ['north'], invalid: null }],
    ['none', {}, { numbers: [NaN, NaN], texts: [null], invalid: null }],
    ['absent', undefined, { numbers: [NaN, NaN], texts: [null], invalid: null }],
    ['null', { age: null, region: null }, { numbers: [NaN, NaN], texts: [null], invalid: null }],
    ['infinite, as JSON.parse reads 1e999', { age: Infinity }, { numbers: [Infinity, NaN], invalid: null }],
    ['text for a number', { age: '34', income: true }, { numbers: [NaN, NaN], invalid: [2, 4] }],
    ['an object for a number', { age: {}, income: 1 }, { numbers: [NaN, 1], invalid: [2] }],
    ['a number for a category', { region: 7 }, { texts: [null], invalid: [3] }],
    ['a boolean as a category', { region: false }, { texts: ['false'], invalid: null }],
    ['empty text as a category', { region: '' }, { texts: [''], invalid: null }],
    ['what the model does not know', { shoe: 44, age: 1 }, { numbers: [1, NaN], invalid: null }],
  ])('%s', (_name, features, expected) => expect(built(envelope({ features }))).toMatchObject(expected));

  test('a declared categorical feature takes numbers as text', () => {
    const declared = testTarget({ declaredCategorical: new Set(['region']) });
    expect(built(envelope({ features: { region: 1010 } }), declared)).toMatchObject({ texts: ['1010'], invalid: null });
  });

  test.each<readonly [string, readonly string[], unknown, object]>([
    ['in another order', ['region', 'shoe', 'income', 'age'], ['n', 44, 5, 34], { numbers: [34, 5], texts: ['n'] }],
    ['fewer values than columns', ['age', 'income'], [34], { numbers: [34, NaN], texts: [null] }],
    ['null', ['age', 'income'], [null, 5], { numbers: [NaN, 5], texts: [null] }],
    ['absent', ['age'], undefined, { numbers: [NaN, NaN], texts: [null] }],
    ['a wrong type', ['age', 'region'], ['x', 1], { numbers: [NaN, NaN], texts: [null], invalid: [2, 3] }],
    ['too many values', ['age'], [1, 2], { pointer: '/x', detail: 'x has 2 values for 1 columns' }],
    ['an object', ['age'], { age: 1 }, { pointer: '/x', detail: 'x must be an array, not an object' }],
  ])('under a header: %s', (_name, names, values, expected) => {
    expect(built(underHeader(names, values))).toMatchObject(expected);
  });

  test('the columns of a header are looked up anew for each model of the request', () => {
    const builder = new BatchBuilder(3);
    const row = underHeader(['region', 'income'], ['n', 5]);
    for (const one of [target, narrow, target]) expect(builder.add(row, one)).toBeNull();
    expect([...builder.build().numbers]).toEqual([NaN, 5, 5, NaN, 5]);
  });

  test.each<readonly [string, unknown, string, RegExp]>([
    ['a list', [1], '/features', /^features must be an object, not an array$/],
    ['text', 'age=1', '/features', /^features must be an object, not a string$/],
    ['a long category', { region: 'x'.repeat(1001) }, '/features/region', /^the value of "region" has 1001 characters/],
    ['NUL in a category', { region: '\0' }, '/features/region', /^the value of "region" contains a NUL character$/],
  ])('refuses %s', (_name, features, pointer, detail) => {
    expect(built(envelope({ features }))).toEqual({ pointer, detail: expect.stringMatching(detail) });
  });

  test('features named like properties of objects are missing where the row does not have them', () => {
    const names = ['constructor', 'toString', 'hasOwnProperty'];
    const kinds: FeatureKind[] = ['numeric', 'categorical', 'numeric'];
    const features = names.map((name, i) => ({ name, kind: kinds[i]!, position: [0, 0, 1][i]!, column: 2 + i }));
    const hostile = testTarget({ features, featureByName: new Map(features.map((f) => [f.name, f])) });
    const none = { numbers: [NaN, NaN], texts: [null], invalid: null };
    expect(built(envelope({ features: {} }), hostile)).toMatchObject(none);
    const some = { constructor: 3, toString: 'x' };
    expect(built(envelope({ features: some }), hostile)).toMatchObject({
      numbers: [3, NaN],
      texts: ['x'],
      invalid: null,
    });
  });
});

describe('outcome', () => {
  test.each<readonly [string, Readonly<Record<string, unknown>>, ModelTarget, object]>([
    ['text', { prediction: 'yes' }, target, { classes: ['yes'], predictions: Float64Array.of(NaN) }],
    ['a boolean', { prediction: true }, target, { classes: ['true'] }],
    ['a whole number', { prediction: 1 }, target, { classes: ['1'], predictions: Float64Array.of(1) }],
    ['absent', {}, target, { classes: [null], predictions: Float64Array.of(NaN), classScores: [null] }],
    ['null', { prediction: null, scores: null }, target, { classes: [null], classScores: [null] }],
    ['a value', { prediction: 2 }, regression, { classes: [null], predictions: Float64Array.of(2) }],
    ['a fraction before the task is known', { prediction: 0.5 }, undecided, { classes: [null] }],
    ['scores by code', { scores: { yes: 0.8, no: 0.2 } }, target, { classScores: [[0.2, 0.8]] }],
    ['a score of an unknown class', { scores: { maybe: 1 } }, target, { classScores: [[NaN, NaN]] }],
  ])('%s', (_name, event, of, expected) => expect(built(envelope(event), of)).toMatchObject(expected));

  test.each<readonly [string, Readonly<Record<string, unknown>>, ModelTarget, string, RegExp]>([
    ['infinite', { prediction: Infinity }, undecided, '/prediction', /too large for a double/],
    ['a probability of a class', { prediction: 0.5 }, target, '/prediction', /churn predicts classes: send the class/],
    ['a class of a regression', { prediction: 'yes' }, regression, '/prediction', /regression: .* not a string/],
    ['a boolean of a regression', { prediction: true }, regression, '/prediction', /regression: .* not a boolean/],
    ['an object', { prediction: {} }, target, '/prediction', /string or a boolean, not an object/],
    ['empty', { prediction: '' }, target, '/prediction', /1 to 200 characters/],
    ['long', { prediction: 'c'.repeat(201) }, target, '/prediction', /1 to 200 characters/],
    ['NUL', { prediction: 'a\0' }, target, '/prediction', /^prediction contains a NUL character$/],
    ['half a surrogate pair', { prediction: '\ud800' }, target, '/prediction', /surrogate/],
    ['scores in a list', { scores: [0.1, 0.9] }, target, '/scores', /object of class to score, not an array/],
    [
      'a score of null',
      { scores: { yes: null } },
      target,
      '/scores',
      /every score must be a finite number, one is null/,
    ],
    ['an infinite score', { scores: { yes: Infinity } }, target, '/scores', /one is a number/],
  ])('refuses %s', (_name, event, of, pointer, detail) => {
    expect(built(envelope(event), of)).toEqual({ pointer, detail: expect.stringMatching(detail) });
  });
});

test('the outer values stand beside the row', () => {
  expect(built(envelope({}, 9))).toMatchObject({
    rows: 1,
    targets: [target],
    index: Int32Array.of(9),
    timeMs: Float64Array.of(7),
    idTexts: ['id-9'],
    stamped: Uint8Array.of(1),
    scores: Float64Array.of(0.8),
    latencyMs: Float32Array.of(12.5),
    errors: ['timeout'],
    segments: ['{"a":1}'],
  });
});

test('rows of models of different widths: a batch with refused rows in it is the batch without them', () => {
  const targets = { target, narrow, regression };
  const region = fc.string({ maxLength: 5 });
  const good = fc.record({
    good: fc.constant(true),
    of: fc.constantFrom('target', 'narrow', 'regression'),
    event: fc.record({ features: fc.record({ age: fc.oneof(fc.double(), fc.string()), region, income: fc.double() }) }),
  });
  const bad = fc.record({
    good: fc.constant(false),
    of: fc.constantFrom('target', 'regression'),
    event: fc.constantFrom(
      { prediction: [] },
      { features: 1 },
      { prediction: 1, scores: { yes: 1, no: null } },
      { features: { age: 1, income: 2, region: 'x'.repeat(1001) } },
      { features: { age: 'wrong', region: 'x'.repeat(1001) } },
    ),
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(good, bad), { maxLength: 40 }), (rows) => {
      const build = (some: typeof rows) => {
        const builder = new BatchBuilder(some.length);
        for (const one of some) {
          const problem = builder.add(envelope(one.event, rows.indexOf(one)), targets[one.of]);
          expect(problem === null).toBe(one.good);
        }
        const batch = builder.build();
        const ids = batch.ids.toString('hex', 0, batch.rows * 16);
        const cells = Array.from({ length: batch.rows }, (_, i) => rowOf(batch, i));
        return { rows: batch.rows, index: batch.index, targets: batch.targets, texts: batch.texts, ids, cells };
      };
      expect(build(rows)).toEqual(build(rows.filter((one) => one.good)));
    }),
  );
});
