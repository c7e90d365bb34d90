import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ServiceError } from '../../domain/service-error.ts';
import { decodeRowsUnderHeader } from './rows-under-header.ts';

const decode = (body: unknown) => decodeRowsUnderHeader(Buffer.from(JSON.stringify(body)));
const header = { model: 'churn', version: '1', columns: ['age', 'region'] };

describe('application/vnd.modelhealth.rows+json', () => {
  test('the short keys are those of an event, and the header stands for every row', () => {
    const row = { id: '7', t: 5, p: '1', s: 0.8, ss: { yes: 1 }, l: 12.5, e: 'timeout', g: { a: 1 }, x: [34, 'n'] };
    const { rows, errors } = decode({ ...header, rows: [row, {}] });
    expect(errors).toEqual([]);
    expect(rows[0]).toEqual({
      index: 0,
      model: 'churn',
      version: '1',
      predictionId: '7',
      timestamp: 5,
      features: { kind: 'row', names: header.columns, values: [34, 'n'] },
      prediction: '1',
      score: 0.8,
      scores: { yes: 1 },
      latencyMs: 12.5,
      error: 'timeout',
      segment: { a: 1 },
      unknownKeys: [],
    });
    expect(rows[1]).toMatchObject({ index: 1, model: 'churn', predictionId: undefined, unknownKeys: [] });
  });

  test('without columns, and without rows', () => {
    expect(decode({ model: 'm', rows: [] })).toEqual({ rows: [], errors: [] });
    expect(decode({ rows: [{}] }).rows).toMatchObject([{ model: undefined, features: { names: [] } }]);
  });

  test('a bad row is an error of its own', () => {
    const { rows, errors } = decode({ ...header, rows: [{}, null, [1], { id: 'a', age: 3 }] });
    expect(rows.map(({ index, unknownKeys }) => [index, unknownKeys])).toEqual([
      [0, []],
      [3, ['age']],
    ]);
    expect(errors).toEqual([1, 2].map((index) => ({ index, pointer: '', detail: 'a row must be an object' })));
  });

  test.each<readonly [string, unknown, string, RegExp]>([
    ['a list', [], '', /must be an object with model, columns and rows/],
    ['null', null, '', /must be an object/],
    ['no rows', header, '/rows', /must be an array/],
    ['rows by name', { ...header, rows: {} }, '/rows', /must be an array/],
    ['columns of numbers', { ...header, columns: ['a', 1], rows: [] }, '/columns', /an array of feature names/],
    ['columns in text', { ...header, columns: 'a,b', rows: [] }, '/columns', /an array of feature names/],
    ['columns null', { ...header, columns: null, rows: [] }, '/columns', /an array of feature names/],
    ['a column twice', { ...header, columns: ['a', 'b', 'a'], rows: [] }, '/columns', /a feature name stands twice/],
    ['an unknown key', { ...header, rows: [], 'a/b': 1 }, '/a~1b', /unknown key; the header has/],
    ['an own __proto__', JSON.parse('{"__proto__":{},"rows":[]}'), '/__proto__', /unknown key/],
  ])('%s: the whole body is refused', (_name, body, pointer, detail) => {
    const fields = [{ pointer, detail: expect.stringMatching(detail) }];
    expect(() => decode(body)).toThrow(expect.objectContaining({ code: 'invalid', fields }));
  });

  test('bytes and JSON of any kind are rows, errors, or ServiceError invalid', () => {
    const shaped = fc.record({ model: fc.jsonValue(), columns: fc.jsonValue(), rows: fc.array(fc.jsonValue()) });
    const bytes = fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array));
    const json = fc.oneof(shaped, fc.jsonValue()).map((value) => Buffer.from(JSON.stringify(value)));
    fc.assert(
      fc.property(fc.oneof(json, bytes), (body) => {
        try {
          for (const row of decodeRowsUnderHeader(body).rows) expect(row.features.kind).toBe('row');
        } catch (error) {
          expect(error).toBeInstanceOf(ServiceError);
        }
      }),
    );
  });
});
