import { describe, expect, test } from '@jest/globals';
import { toPrediction, unknownKeys } from './prediction-event.ts';

describe('toPrediction', () => {
  test('every key of the contract has its place, its value untouched', () => {
    const value = (name: string) => ({ of: name });
    const event = {
      model: value('model'),
      version: value('version'),
      prediction_id: value('prediction_id'),
      timestamp: value('timestamp'),
      features: value('features'),
      prediction: value('prediction'),
      score: value('score'),
      scores: value('scores'),
      latency_ms: value('latency_ms'),
      error: value('error'),
      segment: value('segment'),
    };
    expect(toPrediction(event, 3)).toEqual({
      index: 3,
      model: event.model,
      version: event.version,
      predictionId: event.prediction_id,
      timestamp: event.timestamp,
      features: { kind: 'object', value: event.features },
      prediction: event.prediction,
      score: event.score,
      scores: event.scores,
      latencyMs: event.latency_ms,
      error: event.error,
      segment: event.segment,
      unknownKeys: [],
    });
  });

  test.each([[null], [7], ['{}'], [true], [undefined], [[{ model: 'churn' }]]])('%p is no event', (value) => {
    const detail = 'a prediction must be an object';
    expect(toPrediction(value, 5)).toEqual({ index: 5, pointer: '', detail });
  });

  test.each([
    ['misspelt', '{"Model":"churn","latency":3}', ['Model', 'latency']],
    ['hostile', '{"__proto__":{"model":"evil"},"constructor":1}', ['__proto__', 'constructor']],
    ['empty', '{"":1}', ['']],
  ])('%s keys are unknown, and give the event nothing', (_name, json, unknown) => {
    const row = toPrediction(JSON.parse(json), 0);
    expect(row).toMatchObject({ unknownKeys: unknown });
    expect(row).toHaveProperty('model', undefined);
  });
});

test('unknownKeys shares one list where there are none', () => {
  expect(unknownKeys({ a: 1 }, new Set('a'))).toBe(unknownKeys({}, new Set()));
  expect(unknownKeys({ a: 1, b: 2, c: 3 }, new Set('b'))).toEqual(['a', 'c']);
});
