import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ServiceError } from '../../domain/service-error.ts';
import { senderEvents } from '../../../test/support/sender-events.ts';
import type { SenderEvent } from '../../../test/support/sender-events.ts';
import type { ForeignOptions } from './foreign-events.ts';
import { decodeKserve } from './kserve.ts';

const OPTIONS: ForeignOptions = { model: null, version: null, features: null, classes: null, output: 'prediction' };
const halfOf = ({ headers, body }: SenderEvent, options: Partial<ForeignOptions> = {}) =>
  decodeKserve(headers, Buffer.from(body), { ...OPTIONS, ...options }).halves[0]!;
const fixture = senderEvents('kserve.json');

describe('KServe', () => {
  test('V1: rows without names, and one answer a row', () => {
    const [request, response] = fixture.v1!.map((event) => halfOf(event));
    expect(request).toEqual({
      index: 0,
      key: 'kserve-test/sklearn-iris/default/0009174a-24a8-4603-b098-09c8799950e9',
      half: {
        side: 'request',
        model: 'sklearn-iris',
        version: null,
        id: '0009174a-24a8-4603-b098-09c8799950e9',
        time: '2026-11-26T12:00:00.123456789Z',
        timed: true,
        segment: { namespace: 'kserve-test', endpoint: 'default' },
        inputs: {
          names: ['feature_0', 'feature_1', 'feature_2', 'feature_3'],
          rows: [
            [6.8, 2.8, 4.8, 1.4],
            [6, 3.4, 4.5, 1.6],
          ],
        },
      },
    });
    expect(response).toMatchObject({ key: request!.key, half: { outcomes: [{ prediction: 1 }, { prediction: 1 }] } });
  });

  test('V2: tensors are columns, scores stand beside the prediction, the body names the version', () => {
    const [request, response] = fixture.v2!.map((event) => halfOf(event));
    expect(request!.half).toMatchObject({
      inputs: {
        names: ['tenure', 'region'],
        rows: [
          [34, 'north'],
          [5, 'south'],
        ],
      },
    });
    expect(response!.half).toMatchObject({
      version: 'v7',
      outcomes: [
        { prediction: 'stay', scores: { 0: 0.9, 1: 0.1 } },
        { prediction: 'leave', scores: { 0: 0.25, 1: 0.75 } },
      ],
    });
    expect(halfOf(fixture.v2![1]!, { classes: ['stay', 'leave'] }).half).toMatchObject({
      outcomes: [{ scores: { stay: 0.9, leave: 0.1 } }, { scores: { stay: 0.25, leave: 0.75 } }],
    });
  });

  test('before 0.18 times are when events were sent', () => {
    expect(fixture.v0_7!.map((event) => halfOf(event).half.timed)).toEqual([false, false]);
  });

  test('a canary is a version, objects name their features, a list of scores names the greatest', () => {
    const [request, response] = fixture.canary!.map((event) => halfOf(event));
    expect(request!.half).toMatchObject({
      version: 'canary',
      inputs: { names: null, rows: [{ sepal_length: 5.1, kind: 'wild' }] },
    });
    expect(response!.half).toMatchObject({
      outcomes: [{ prediction: '1', scores: { 0: 0.1, 1: 0.7, 2: 0.2 } }],
    });
  });

  test('the address names what the events do not', () => {
    const options = { model: 'iris', version: '3', features: ['sl', 'sw', 'pl', 'pw'] };
    expect(halfOf(fixture.v1![0]!, options).half).toMatchObject({
      model: 'iris',
      version: '3',
      inputs: { names: ['sl', 'sw', 'pl', 'pw'] },
    });
  });

  test('V2 with the bytes of its tensors behind the JSON, whatever the header of its length', () => {
    const json = JSON.stringify({
      inputs: [
        { name: 'x', shape: [2, 2], datatype: 'FP32', parameters: { binary_data_size: 16 } },
        { name: 'n', shape: [2], datatype: 'INT64', parameters: { binary_data_size: 16 } },
        { name: 'half', shape: [2], datatype: 'FP16', parameters: { binary_data_size: 4 } },
        { name: 'text', shape: [2], datatype: 'BYTES', parameters: { binary_data_size: 11 } },
      ],
    });
    const bytes = Buffer.alloc(16 + 16 + 4 + 11);
    [1.5, -2, 3, 0.25].forEach((value, i) => bytes.writeFloatLE(value, i * 4));
    [7n, -8n].forEach((value, i) => bytes.writeBigInt64LE(value, 16 + i * 8));
    [0x3c00, 0xc100].forEach((value, i) => bytes.writeUInt16LE(value, 32 + i * 2));
    bytes.writeUInt32LE(2, 36);
    bytes.write('ab', 40);
    bytes.writeUInt32LE(1, 42);
    bytes.write('}', 46);
    const body = Buffer.concat([Buffer.from(json), bytes]);
    const { half } = decodeKserve(fixture.v2![0]!.headers, body, OPTIONS).halves[0]!;
    expect(half).toMatchObject({
      inputs: {
        names: ['x_0', 'x_1', 'n', 'half', 'text'],
        rows: [
          [1.5, -2, 7, 1, 'ab'],
          [3, 0.25, -8, -2.5, '}'],
        ],
      },
    });
  });

  test('an image is no table: its prediction is all that is kept', () => {
    const image = {
      instances: [
        [
          [1, 2],
          [3, 4],
        ],
      ],
    };
    expect(halfOf({ ...fixture.v1![0]!, body: JSON.stringify(image) }).half).toMatchObject({ inputs: { rows: [[]] } });
  });

  test.each<readonly [string, Record<string, string | undefined>, string, RegExp]>([
    ['no type', { 'ce-type': undefined }, '{}', /ce-type is missing/],
    ['another type', { 'ce-type': 'x' }, '{"instances":[]}', /ce-type must be/],
    ['no id', { 'ce-id': '' }, '{}', /ce-id is missing/],
    ['no service', { 'ce-inferenceservicename': undefined }, '{}', /ce-inferenceservicename is missing/],
    ['no JSON', {}, 'hello', /not JSON/],
    ['a list', {}, '[]', /not a JSON object/],
    ['neither V1 nor V2', {}, '{"data":[]}', /instances \(V1\) or inputs \(V2\)/],
    [
      'a tensor without its values',
      {},
      '{"inputs":[{"name":"a","shape":[3],"data":[1]}]}',
      /not the values of its shape/,
    ],
    ['a tensor of no shape', {}, '{"inputs":[{"name":"a","shape":"x","data":[1]}]}', /name, shape and data/],
    [
      'too few bytes',
      {},
      '{"inputs":[{"name":"a","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":9}}]}',
      /not JSON|shorter|name, shape/,
    ],
  ])('refuses %s', (_name, headers, body, detail) => {
    const event = { headers: { ...fixture.v1![0]!.headers, ...headers }, body };
    expect(() => halfOf(event)).toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringMatching(detail) }),
    );
  });

  test('bodies of any kind are halves or ServiceError invalid', () => {
    const body = fc.record({
      inputs: fc.option(fc.array(fc.jsonValue())),
      instances: fc.option(fc.array(fc.jsonValue())),
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          body.map((value) => JSON.stringify(value)),
          fc.string(),
        ),
        (text) => {
          try {
            halfOf({ ...fixture.v1![0]!, body: text });
          } catch (error) {
            expect(error).toBeInstanceOf(ServiceError);
          }
        },
      ),
    );
  });
});
