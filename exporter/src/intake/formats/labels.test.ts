import { expect, test } from '@jest/globals';
import { decodeJsonLabels, toGroundTruth } from './labels.ts';
import { decodeNdjson } from './ndjson.ts';

const decode = (text: string) => decodeJsonLabels(Buffer.from(text));
const label = { model: 'churn', prediction_id: 'a', label: 1, timestamp: 5 };
const read = { model: 'churn', predictionId: 'a', label: 1, timestamp: 5, unknownKeys: [] };

test('one label, a list, and a line each', () => {
  const line = JSON.stringify(label);
  const two = { rows: [0, 1].map((index) => ({ index, ...read })), errors: [] };
  expect(decode(line)).toEqual({ rows: [{ index: 0, ...read }], errors: [] });
  expect(decode(`[${line},${line}]`)).toEqual(two);
  expect(decodeNdjson(Buffer.from(`${line}\n${line}\n`), toGroundTruth)).toEqual(two);
});

test('what is no object is an error of its row alone', () => {
  const { rows, errors } = decode(`[null,${JSON.stringify(label)},[]]`);
  expect(rows).toEqual([{ index: 1, ...read }]);
  const detail = 'a label must be an object with model, prediction_id and label';
  expect(errors).toEqual([0, 2].map((index) => ({ index, pointer: '', detail })));
});

test('keys of a prediction, and hostile ones, are unknown to a label', () => {
  const row = toGroundTruth(JSON.parse('{"model":"m","id":1,"score":1,"__proto__":{"label":1}}'), 0);
  expect(row).toMatchObject({ model: 'm', label: undefined, unknownKeys: ['id', 'score', '__proto__'] });
});

test('a body that is not JSON is refused', () => {
  expect(() => decode('{')).toThrow(expect.objectContaining({ name: 'ServiceError', code: 'invalid' }));
});
