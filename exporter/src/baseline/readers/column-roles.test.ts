import { describe, expect, test } from '@jest/globals';
import { readColumnMap, toBaselineRow } from './column-roles.ts';

const row = (record: Readonly<Record<string, unknown>>, map = '') => toBaselineRow(record, readColumnMap(map));

describe('toBaselineRow', () => {
  test('columns named by role are no features; the others are', () => {
    const record = {
      age: '34',
      prediction: '1',
      score: '0.8',
      label: '0',
      latency_ms: '12',
      error: 'e',
      timestamp: 't',
    };
    expect(row(record)).toEqual({
      features: { age: '34' },
      prediction: '1',
      score: '0.8',
      scores: undefined,
      label: '0',
      latencyMs: '12',
      error: 'e',
      timestamp: 't',
    });
  });

  test('score_ columns are scores by class', () => {
    const { scores, features } = row({ score_yes: 0.8, score_: 0.1, 'score_a b': 0.1, scores: 1 });
    expect(scores).toEqual({ yes: 0.8, '': 0.1, 'a b': 0.1 });
    expect(features).toEqual({ scores: 1 });
  });

  test('a mapped column takes the role, and the column named like it is a feature then', () => {
    const mapped = row({ target: 1, label: 'price tag', pred: 2 }, ' label : target , prediction:pred,');
    expect(mapped).toMatchObject({ label: 1, prediction: 2, features: { label: 'price tag' } });
    expect(mapped.features).not.toHaveProperty('target');
    expect(row({ score_raw: 0.5 }, 'score:score_raw')).toMatchObject({ score: 0.5, scores: undefined });
  });

  test('hostile names are features and classes like others', () => {
    const record = JSON.parse('{"__proto__":"a","constructor":"b","score___proto__":1}') as Record<string, unknown>;
    const { features, scores, prediction } = row(record);
    expect(Object.entries(features)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    expect(Object.entries(scores!)).toEqual([['__proto__', 1]]);
    expect(prediction).toBeUndefined();
    expect(features).not.toHaveProperty('toString');
  });
});

test.each(['label', 'label:', ':target', 'target:label', 'Label:target', '__proto__:x', 'label:target,oops'])(
  'map=%s is refused',
  (map) => {
    const message = expect.stringMatching(/^map=.* is not role:column; roles are prediction, score, label, /);
    expect(() => readColumnMap(map)).toThrow(expect.objectContaining({ code: 'invalid', message }));
  },
);
