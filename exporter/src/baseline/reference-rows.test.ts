import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { testTarget } from '../../test/support/model-target.ts';
import type { BaselineRow } from '../domain/baseline.ts';
import type { FeatureSettings } from '../domain/settings.ts';
import { ServiceError } from '../domain/service-error.ts';
import { inferColumns, layOut } from './reference-rows.ts';
import { toBaselineRow, readColumnMap } from './readers/column-roles.ts';

const roles = readColumnMap('');
/** Numeric age and income (columns 2 and 4), categorical region (column 3). */
const target = testTarget();
const flat = (record: Readonly<Record<string, unknown>>): BaselineRow => toBaselineRow(record, roles);
/** As a prediction event brings it: a plain object, with a prototype. */
const event = (features: Readonly<Record<string, unknown>>): BaselineRow => ({ ...flat({}), features });

const none: ReadonlyMap<string, FeatureSettings> = new Map();
const infer = (rows: readonly BaselineRow[], declared = none, known?: typeof target) => {
  const { features, classes, ignored } = inferColumns(rows, declared, known);
  return { features: [...features], classes: [...classes], ignored };
};
const kindOf = (...values: readonly unknown[]) => infer(values.map((x) => flat({ x }))).features[0]![1];

describe('inferColumns', () => {
  test.each<readonly [string, readonly unknown[], string]>([
    ['numbers', [1, 2.5], 'numeric'],
    ['numbers in text', ['1', ' -2.5e3 ', '007'], 'numeric'],
    ['numbers and every word for missing', ['', 'NaN', 'na', 'N/A', 'NULL', 'none', null, undefined, '3'], 'numeric'],
    ['one word among numbers', ['1', 'x'], 'categorical'],
    ['booleans', [true, false], 'categorical'],
    ['objects', [{}], 'categorical'],
    ['nothing but missing values', ['', null], 'categorical'],
  ])('%s are %p', (_name, values, kind) => expect(kindOf(...values)).toBe(kind));

  test('columns of later rows count, in order of appearance', () => {
    const rows = [flat({ b: 1, score_no: 1 }), flat({ a: 'x', b: 2, score_yes: 1 })];
    expect(infer(rows)).toEqual({
      features: [
        ['b', 'numeric'],
        ['a', 'categorical'],
      ],
      classes: ['no', 'yes'],
      ignored: [],
    });
  });

  test('with declared features only those are read; a declared kind, then a known one, comes before the inferred', () => {
    const rows = [flat({ age: '1', region: '2', shoe: '3' })];
    const declared = new Map<string, FeatureSettings>([
      ['age', { type: 'categorical' }],
      ['region', {}],
      ['gone', {}],
    ]);
    expect(infer(rows, declared, target)).toEqual({
      features: [
        ['age', 'categorical'],
        ['region', 'categorical'],
      ],
      classes: [],
      ignored: ['shoe'],
    });
    expect(infer(rows, none, target).features.map(([, kind]) => kind)).toEqual(['numeric', 'categorical', 'numeric']);
  });

  test.each<readonly [string, unknown]>([
    ['__proto__', '{"__proto__":1}'],
    ['an empty name', '{"":1}'],
    ['201 characters', JSON.stringify({ ['f'.repeat(201)]: 1 })],
    ['NUL', '{"a\\u0000":1}'],
    ['half a surrogate pair', '{"\\ud800":1}'],
    ['a class without a name', '{"score_":1}'],
    ['NUL in a class', '{"score_a\\u0000":1}'],
  ])('%s: a name that cannot be registered refuses the upload', (_name, json) => {
    const rows = [flat(JSON.parse(String(json)))];
    expect(() => infer(rows)).toThrow(expect.objectContaining({ name: 'ServiceError', code: 'invalid' }));
    expect(() => infer(rows, new Map([['age', {}]]))).toThrow(ServiceError);
  });

  test.each(['__proto__', 'constructor', 'toString'])('%s is a class like others', (name) => {
    const record = JSON.parse(`{"prediction":"${name}","label":"${name}","score_${name}":0.5,"score_b":0.4}`) as object;
    const rows = [flat(record as Record<string, unknown>)];
    expect(infer(rows).classes).toEqual([name, 'b']);
    const of = testTarget({ classCodes: new Map([[name, 0], ['b', 1]]) }); // prettier-ignore
    const { batch, labels } = layOut(rows, of);
    expect([batch.classes[0], labels[0]!.className, batch.classScores[0]]).toEqual([name, name, [0.5, 0.4]]);
  });

  test('a feature named like a property of objects is missing in events without it', () => {
    expect(infer([event({ age: 1 }), event({ constructor: 3 })]).features).toEqual([
      ['age', 'numeric'],
      ['constructor', 'numeric'],
    ]);
  });
});

describe('layOut', () => {
  const laid = (record: Readonly<Record<string, unknown>>, of = target) => {
    const { batch, labels } = layOut([flat(record)], of, 7);
    return { ...batch, numbers: [...batch.numbers], label: labels[0] };
  };

  test.each<readonly [string, Readonly<Record<string, unknown>>, object]>([
    ['JSON values', { age: 34, region: 'n', income: 5 }, { numbers: [34, 5], texts: ['n'], invalid: [null] }],
    ['text', { age: ' 34 ', region: '7', income: '5e3' }, { numbers: [34, 5000], texts: ['7'], invalid: [null] }],
    ['numbers and booleans as categories', { region: 7 }, { texts: ['7'] }],
    ['a boolean as a category', { region: false }, { texts: ['false'] }],
    [
      'words for missing',
      { age: 'NA', region: ' none ', income: '' },
      { numbers: [NaN, NaN], texts: [null], invalid: [null] },
    ],
    ['nothing', {}, { numbers: [NaN, NaN], texts: [null], invalid: [null] }],
    [
      'wrong types',
      { age: 'old', region: {}, income: true },
      { numbers: [NaN, NaN], texts: [null], invalid: [[2, 3, 4]] },
    ],
    ['text that cannot be stored', { region: 'a\0' }, { texts: [null], invalid: [[3]] }],
    ['half a surrogate pair', { region: '\udc00' }, { texts: [null], invalid: [[3]] }],
    ['infinite', { age: 'Infinity' }, { numbers: [Infinity, NaN], invalid: [null] }],
  ])('features: %s', (_name, record, expected) => expect(laid(record)).toMatchObject(expected));

  test('features named like properties of objects are missing where an event does not have them', () => {
    const features = [{ name: 'constructor', kind: 'numeric' as const, position: 0, column: 2 }];
    const hostile = testTarget({ features, numericCount: 1, categoricalCount: 0 });
    const { batch } = layOut([event({}), event({ constructor: 3 })], hostile, 0);
    expect([[...batch.numbers], batch.invalid]).toEqual([
      [NaN, 3],
      [null, null],
    ]);
  });

  test.each<readonly [string, unknown, object, object]>([
    ['a class', 'yes', { className: 'yes', value: NaN }, { className: 'yes', value: NaN }],
    ['a whole number in text', '1', { className: '1', value: 1 }, { className: null, value: 1 }],
    ['a float that is whole', '1.0', { className: '1', value: 1 }, { className: null, value: 1 }],
    ['a fraction', 0.5, { className: null, value: 0.5 }, { className: null, value: 0.5 }],
    ['a boolean', true, { className: 'true', value: NaN }, { className: 'true', value: NaN }],
  ])('%s as prediction and as label', (_name, value, asClass, asValue) => {
    const record = { prediction: value, label: value };
    const seen = (of = target) => {
      const { classes, predictions, label } = laid(record, of);
      return [{ className: classes[0], value: predictions[0] }, label];
    };
    expect(seen()).toEqual([asClass, asClass]);
    expect(seen(testTarget({ task: 'regression' }))).toEqual([asValue, asValue]);
  });

  test.each([[''], ['nan'], [null], [undefined]])('%p is no prediction and no label', (missing) => {
    const { classes, predictions, label } = laid({ prediction: missing, label: missing });
    expect([classes, [...predictions], label]).toEqual([[null], [NaN], null]);
  });

  test.each([[{}], [[1]], ['a\0'], ['\ud800'], ['c'.repeat(201)]])('%p as prediction or label refuses it', (odd) => {
    for (const record of [{ prediction: odd }, { label: odd }])
      expect(() => laid(record)).toThrow(expect.objectContaining({ name: 'ServiceError', code: 'invalid' }));
  });

  test.each<readonly [unknown, number]>([
    ['12.5', 12.5],
    [0, 0],
    ['', NaN],
    ['fast', NaN],
    [-1, NaN],
    ['Infinity', NaN],
    [1e39, NaN],
  ])('a latency of %p is %p', (latency, expected) => {
    expect([...laid({ latency_ms: latency }).latencyMs]).toEqual([expected]);
  });

  test('scores by class code, score, error', () => {
    const { classScores, scores, errors } = laid({ score_yes: '0.8', score_maybe: 1, score: '0.7', error: 'timeout' });
    expect([classScores, [...scores], errors]).toEqual([[[NaN, 0.8]], [0.7], ['timeout']]);
    expect(laid({ score: 'high', error: '' })).toMatchObject({ classScores: [null], errors: [null] });
    expect([...laid({ score: 'high' }).scores]).toEqual([NaN]);
    expect(laid({ error: { type: 'x' } }).errors).toEqual(['unknown']);
  });
});

test('any rows are laid out or refused; what is laid out has one place for each row and feature', () => {
  const column = fc.constantFrom('age', 'region', 'income', 'prediction', 'label', 'score', 'score_yes', 'error');
  const record = fc.dictionary(column, fc.oneof(fc.jsonValue(), fc.double(), fc.constantFrom('a\0', 'yes', '1')));
  fc.assert(
    fc.property(fc.array(record, { maxLength: 20 }), (records) => {
      try {
        const { batch, labels } = layOut(records.map(flat), target, 7);
        expect([batch.rows, batch.targets.length, labels.length]).toEqual(Array(3).fill(records.length));
        expect([batch.numbers.length, batch.texts.length]).toEqual([2 * records.length, records.length]);
        expect([batch.numberAt.at(-1), batch.textAt.at(-1)]).toEqual([2 * records.length, records.length]);
      } catch (error) {
        expect(error).toMatchObject({ name: 'ServiceError', code: 'invalid' });
      }
    }),
  );
});
