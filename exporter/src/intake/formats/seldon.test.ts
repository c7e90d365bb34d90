import { describe, expect, test } from '@jest/globals';
import { senderEvents } from '../../../test/support/sender-events.ts';
import type { SenderEvent } from '../../../test/support/sender-events.ts';
import type { ForeignOptions } from './foreign-events.ts';
import { decodeSeldon } from './seldon.ts';

const OPTIONS: ForeignOptions = { model: null, version: null, features: null, classes: null, output: 'prediction' };
const decode = ({ headers, body }: SenderEvent) => decodeSeldon(headers, Buffer.from(body), OPTIONS);
const fixture = senderEvents('seldon.json');
const PUID = '12b0d447-288e-42a0-a7b4-b630c8b4895c';

describe('Seldon Core v1', () => {
  test('request and response share ce-requestid; names of an answer are its classes', () => {
    const [request, response] = fixture.ndarray!.map((event) => decode(event).halves[0]);
    expect(request).toMatchObject({
      key: `ml-workshop/churn/churn-classifier/${PUID}`,
      half: {
        model: 'churn-classifier',
        id: PUID,
        timed: false,
        segment: { namespace: 'ml-workshop', deployment: 'churn', endpoint: 'default' },
        inputs: {
          names: ['tenure', 'income'],
          rows: [
            [34, 2100.5],
            [2, 900],
          ],
        },
      },
    });
    expect(response).toMatchObject({
      key: request!.key,
      half: {
        outcomes: [
          { prediction: 't:0', scores: { 't:0': 0.9, 't:1': 0.1 } },
          { prediction: 't:1', scores: { 't:0': 0.2, 't:1': 0.8 } },
        ],
      },
    });
  });

  test('feedback is the truth of each row', () => {
    expect(decode(fixture.ndarray![2]!).labels).toMatchObject([
      { model: 'churn-classifier', predictionId: `${PUID}_0`, label: 't:0' },
      { model: 'churn-classifier', predictionId: `${PUID}_1`, label: 't:0' },
    ]);
  });

  test('feedback that only rewards has no truth', () => {
    const event = { ...fixture.ndarray![2]!, body: '{"reward":1}' };
    expect(decode(event)).toEqual({ halves: [], predictions: [], labels: [], errors: [] });
  });

  test('a tensor is a table of its shape', () => {
    const [request, response] = fixture.tensor!.map((event) => decode(event).halves[0]!.half);
    expect(request).toMatchObject({
      inputs: {
        names: ['a', 'b'],
        rows: [
          [1, 2],
          [3, 4],
        ],
      },
    });
    expect(response).toMatchObject({ outcomes: [{ prediction: 5.5 }, { prediction: 6.5 }] });
  });

  test('the protocol v2 has the bodies of KServe', () => {
    const body = JSON.stringify({ inputs: [{ name: 'a', shape: [1], datatype: 'INT64', data: [3] }] });
    expect(decode({ ...fixture.ndarray![0]!, body }).halves[0]!.half).toMatchObject({
      inputs: { names: ['a'], rows: [[3]] },
    });
  });

  test.each<readonly [string, Record<string, string>, string, RegExp]>([
    ['no request id', { 'ce-requestid': '' }, '{}', /ce-requestid is missing/],
    ['no model', { 'ce-modelid': '' }, '{}', /ce-modelid is missing/],
    ['another type', { 'ce-type': 'io.seldon.serving.inference.outlier' }, '{}', /ce-type must be/],
    ['neither ndarray nor tensor', {}, '{"data":{"names":[]}}', /ndarray or tensor/],
    ['a tensor of another shape', {}, '{"data":{"tensor":{"shape":[2,2],"values":[1]}}}', /table of its shape/],
    ['text', {}, '{"strData":"hello"}', /instances \(V1\)/],
  ])('refuses %s', (_name, headers, body, detail) => {
    const event = { headers: { ...fixture.ndarray![0]!.headers, ...headers }, body };
    expect(() => decode(event)).toThrow(expect.objectContaining({ message: expect.stringMatching(detail) }));
  });
});
