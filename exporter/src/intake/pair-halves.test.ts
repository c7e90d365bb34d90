import { describe, expect, test } from '@jest/globals';
import type { HalfPair, RequestHalf, ResponseHalf } from '../domain/prediction-half.ts';
import { pairHalves } from './pair-halves.ts';

const request: RequestHalf = {
  side: 'request',
  model: 'm',
  version: null,
  id: 'r',
  time: '2026-11-26T12:00:00.123456Z',
  timed: true,
  segment: null,
  inputs: { names: ['a'], rows: [[1], [2]] },
};
const response: ResponseHalf = {
  side: 'response',
  model: 'm',
  version: '7',
  id: 'r',
  time: '2026-11-26T12:00:00.133956Z',
  timed: true,
  outcomes: [{ prediction: 'x' }, { prediction: 'y', score: 0.4 }],
};
const pair = (change: Partial<HalfPair> = {}): HalfPair => ({
  source: 's',
  key: 'k',
  request,
  response,
  receivedAtMs: 5_000,
  ...change,
});

describe('pairHalves', () => {
  test('a row each, numbered; the answer names the version; latency to below a millisecond', () => {
    const rows = pairHalves([pair()]);
    expect(rows).toMatchObject([
      { index: 0, model: 'm', version: '7', predictionId: 'r_0', prediction: 'x', timestamp: request.time },
      { index: 1, predictionId: 'r_1', prediction: 'y', score: 0.4, error: undefined },
    ]);
    expect(rows[0]!.latencyMs).toBeCloseTo(10.5, 3);
  });

  test.each<readonly [string, Partial<HalfPair>, Readonly<Record<string, unknown>>]>([
    ['no response', { response: null }, { error: 'no_response', prediction: undefined, latencyMs: undefined }],
    ['sent, not timed', { response: { ...response, timed: false } }, { latencyMs: undefined, prediction: 'x' }],
    ['a clock that went backwards', { response: { ...response, time: 5 } }, { latencyMs: undefined }],
    ['no time at all', { request: { ...request, time: null } }, { timestamp: 5_000, latencyMs: undefined }],
  ])('%s', (_name, change, expected) => expect(pairHalves([pair(change)])[0]).toMatchObject(expected));

  test('rows that the response leaves out are failures, rows that only it has are kept', () => {
    const short = pairHalves([pair({ response: { ...response, outcomes: [{ prediction: 'x' }] } })]);
    expect(short.map(({ error }) => error)).toEqual([undefined, 'no_prediction']);
    const image = pairHalves([pair({ request: { ...request, inputs: { names: [], rows: [] } } })]);
    expect(image.map(({ prediction }) => prediction)).toEqual(['x', 'y']);
  });

  test('a response alone makes nothing', () => expect(pairHalves([pair({ request: null })])).toEqual([]));

  test('requests with the same columns share one list of names', () => {
    const [a, , b] = pairHalves([pair(), pair({ request: { ...request, inputs: { names: ['a'], rows: [[3]] } } })]);
    expect(a!.features.kind === 'row' && b!.features.kind === 'row' && a!.features.names === b!.features.names).toBe(
      true,
    );
  });
});
