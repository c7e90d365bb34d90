import { describe, expect, test } from '@jest/globals';
import { senderFile } from '../../../test/support/sender-events.ts';
import type { ForeignOptions } from './foreign-events.ts';
import { decodeSageMaker } from './sagemaker.ts';

const OPTIONS: ForeignOptions = { model: 'churn', version: null, features: null, classes: null, output: 'score' };
const EVENT = 'aaaaaaa1-6a8b-4d3c-9c1b-00000000000';

describe('SageMaker', () => {
  const { predictions, labels, errors } = decodeSageMaker(senderFile('sagemaker.jsonl'), OPTIONS);

  test('every record of the capture is a prediction, several rows under one id are numbered', () => {
    expect(errors).toEqual([]);
    expect(predictions.map(({ predictionId, prediction, score }) => [predictionId, prediction, score])).toEqual([
      [`${EVENT}1`, '0', 0.0128],
      ['order-77_0', '0', 0.2],
      ['order-77_1', '1', 0.9],
      [`${EVENT}3`, 1, 0.81],
      [`${EVENT}4`, '1', 0.5],
    ]);
    expect(predictions[0]).toMatchObject({ model: 'churn', timestamp: '2026-11-26T12:00:05Z', error: undefined });
  });

  test('CSV has numbers, text and gaps; JSON names its features; base64 is looked into', () => {
    expect(predictions.map(({ features }) => (features.kind === 'row' ? features.values : features.value))).toEqual([
      [132, 25, 113.2, 'north'],
      [1, 2, 3.5, 'south'],
      [4, 5, 6.5, null],
      { account_length: 7, state: 'OH' },
      [9, 8, 7.5, 'east'],
    ]);
  });

  test('ground truth joins by the id that the capture has', () => {
    expect(labels.map(({ predictionId, label }) => [predictionId, label])).toEqual([
      [`${EVENT}1`, 1],
      ['order-77_0', 0],
      ['order-77_1', 1],
    ]);
  });

  test.each<readonly [string, string, string]>([
    ['no JSON', 'hello', ''],
    ['no metadata', '{"captureData":{}}', '/eventMetadata'],
    ['no id', '{"captureData":{},"eventMetadata":{}}', '/eventMetadata/eventId'],
    ['neither capture nor truth', '{"eventMetadata":{"eventId":"a"}}', '/captureData/endpointInput'],
    [
      'data of no encoding',
      '{"captureData":{"endpointInput":{"data":"{","encoding":"JSON"}},"eventMetadata":{"eventId":"a"}}',
      '/captureData',
    ],
  ])('%s is an error of its line alone', (_name, line, pointer) => {
    const { errors: found, predictions: others } = decodeSageMaker(
      Buffer.concat([Buffer.from(`${line}\n`), senderFile('sagemaker.jsonl')]),
      OPTIONS,
    );
    expect(found).toMatchObject([{ index: 0, pointer }]);
    expect(others).toHaveLength(5);
  });

  test('a capture without its output is a failure, and without a model nothing', () => {
    const line = Buffer.from(
      '{"captureData":{"endpointInput":{"data":"1,2","encoding":"CSV"}},"eventMetadata":{"eventId":"a"}}',
    );
    expect(decodeSageMaker(line, OPTIONS).predictions).toMatchObject([{ error: 'no_prediction' }]);
    expect(decodeSageMaker(line, { ...OPTIONS, model: null }).errors).toMatchObject([
      { detail: expect.stringContaining('?model=') },
    ]);
  });
});
