import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ServiceError } from '../../domain/service-error.ts';
import { decodeJsonEvents, separate } from './json-events.ts';

const decode = (text: string) => decodeJsonEvents(Buffer.from(text));

describe('application/json', () => {
  test('one event is a request of one row', () => {
    const event = { model: 'churn', version: '12', prediction_id: 'a', latency_ms: 12.5, features: { age: 34 } };
    const { rows, errors } = decode(JSON.stringify(event));
    expect(errors).toEqual([]);
    expect(rows).toMatchObject([{ index: 0, model: 'churn', version: '12', predictionId: 'a', latencyMs: 12.5 }]);
    expect(rows[0]!.features).toEqual({ kind: 'object', value: { age: 34 } });
  });

  test('an empty list has no rows', () => expect(decode('[]')).toEqual({ rows: [], errors: [] }));

  test('what is no object is an error of its row alone, and indexes count both', () => {
    const { rows, errors } = decode('[{"model":"a"},7,null,[],"x",{"model":"b"}]');
    expect(rows.map(({ index, model }) => [index, model])).toEqual([
      [0, 'a'],
      [5, 'b'],
    ]);
    const detail = 'a prediction must be an object';
    expect(errors).toEqual([1, 2, 3, 4].map((index) => ({ index, pointer: '', detail })));
  });

  test('a hundred thousand levels are read without a stack overflow', () => {
    expect(decode('['.repeat(100_000) + ']'.repeat(100_000)).errors).toHaveLength(1);
  });

  test.each<readonly [string, string]>([
    ['empty', ''],
    ['cut off', '[{"model":"a"}'],
    ['NDJSON', '{"model":"a"}\n{"model":"b"}'],
    ['a byte order mark', '\ufeff{}'],
  ])('%s is no request at all', (_name, text) => {
    expect(() => decode(text)).toThrow(expect.objectContaining({ name: 'ServiceError', code: 'invalid' }));
  });

  test('bytes of any kind are rows, errors, or ServiceError invalid', () => {
    const json = fc.json().map((text) => Buffer.from(text));
    const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(fc.oneof(json, bytes), (body) => {
        let items = 0;
        try {
          const { rows, errors } = decodeJsonEvents(body);
          items = rows.length + errors.length;
        } catch (error) {
          expect(error).toBeInstanceOf(ServiceError);
          return;
        }
        const parsed: unknown = JSON.parse(body.toString());
        expect(items).toBe(Array.isArray(parsed) ? parsed.length : 1);
      }),
    );
  });
});

test('separate keeps the order of both sides', () => {
  const error = { index: 1, pointer: '', detail: 'x' };
  expect(separate([{ a: 1 }, error, { a: 2 }])).toEqual({ rows: [{ a: 1 }, { a: 2 }], errors: [error] });
});
