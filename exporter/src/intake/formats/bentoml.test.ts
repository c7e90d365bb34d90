import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ServiceError } from '../../domain/service-error.ts';
import { senderFile } from '../../../test/support/sender-events.ts';
import { bentoDecoder } from './bentoml.ts';
import type { ForeignOptions } from './foreign-events.ts';
import { decodeOtlpLogs, encodeOtlpReply } from './otlp-logs.ts';

const OPTIONS: ForeignOptions = { model: null, version: null, features: null, classes: null, output: 'prediction' };
const NOBODY = { get: () => undefined };
/** Recorded from opentelemetry-sdk 1.45.2 for Python with the calls of BentoML's OTLPMonitor. */
const recorded = decodeOtlpLogs(senderFile('bentoml-otlp-logs.bin'), 'protobuf');
const json = decodeOtlpLogs(senderFile('bentoml-otlp-logs.json'), 'json');

describe('BentoML over OTLP', () => {
  test('protobuf: columns by role, ground truth with the prediction, rows of one request told apart', () => {
    const { predictions, labels, errors, learnt } = bentoDecoder()(recorded, NOBODY, OPTIONS);
    expect(errors).toEqual([]);
    expect(predictions.map(({ predictionId, prediction, version }) => [predictionId, prediction, version])).toEqual([
      ['6413930528999883196', 'setosa', 'yftvuwkbbbi6zc'],
      ['7213930528999883197', 'versicolor', 'yftvuwkbbbi6zc'],
      ['7213930528999883197_1', 'virginica', 'yftvuwkbbbi6zc'],
    ]);
    expect(predictions[0]).toMatchObject({
      model: 'iris_classifier:iris_classifier_prediction',
      timestamp: expect.any(Number),
      features: {
        kind: 'object',
        value: { 'sepal length': 4.9, 'sepal width': 3, 'petal length': 1.4, 'petal width': 0.2 },
      },
    });
    expect(labels.map(({ predictionId, label }) => [predictionId, label])).toEqual([
      ['6413930528999883196', 'setosa'],
      ['7213930528999883197', 'versicolor'],
      ['7213930528999883197_1', 'versicolor'],
    ]);
    expect([...learnt.keys()]).toEqual(['iris_classifier:iris_classifier_prediction']);
  });

  test('a retry and a second export of one request give the same ids', () => {
    const decode = bentoDecoder();
    const ids = (records: typeof recorded) =>
      decode(records, { get: () => ({}) }, OPTIONS).predictions.map((row) => row.predictionId);
    const [first, second] = [ids(recorded.slice(0, 2)), ids(recorded.slice(2))];
    expect([...first, ...second]).toEqual(['6413930528999883196', '7213930528999883197', '7213930528999883197_1']);
    expect(ids(recorded)).toEqual([...first, ...second]);
  });

  test('JSON, a body as Python prints it, and roles that were told before', () => {
    const { predictions } = bentoDecoder()(json, NOBODY, OPTIONS);
    expect(
      predictions.map(({ prediction, timestamp, version, features }) => [prediction, timestamp, version, features]),
    ).toEqual([
      [1200.5, 1795694407250, undefined, { kind: 'object', value: { area: 81.5, zip: '8001' } }],
      [990, 1795694408500, undefined, { kind: 'object', value: { area: 60, zip: '8002' } }],
    ]);
  });

  test('a record before anyone told its columns is refused, and said so', () => {
    const { errors, unknownSender, predictions } = bentoDecoder()(json.slice(1), NOBODY, OPTIONS);
    expect(errors).toMatchObject([{ index: 0, detail: expect.stringContaining('told its columns') }]);
    expect([unknownSender, predictions]).toEqual([true, []]);
  });

  test('the answer says how many were refused', () => {
    expect(encodeOtlpReply('json', 2, 'why')).toBe('{"partialSuccess":{"rejectedLogRecords":2,"errorMessage":"why"}}');
    expect([...(encodeOtlpReply('protobuf', 2, 'why') as Buffer)]).toEqual([10, 7, 8, 2, 18, 3, 119, 104, 121]);
    expect(encodeOtlpReply('protobuf', 0, '')).toHaveLength(0);
  });

  test('bytes of any kind are records or ServiceError invalid', () => {
    const some = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(some, fc.constantFrom('protobuf' as const, 'json' as const), (bytes, encoding) => {
        try {
          bentoDecoder()(decodeOtlpLogs(Buffer.from(bytes), encoding), NOBODY, OPTIONS);
        } catch (error) {
          expect(error).toBeInstanceOf(ServiceError);
        }
      }),
    );
  });
});
