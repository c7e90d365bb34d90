import { describe, expect, test } from '@jest/globals';
import { backTest, SIGNALS } from './back-test.ts';
import type { EvaluatedCheck } from './back-test.ts';

const MINUTE = 60_000;
const LIMITS = { ksPValue: 0.05, significantP: 0.001, minimumSamples: 500 };
const at = (minute: number, outcome: object): EvaluatedCheck => ({
  atMs: minute * MINUTE,
  outcome: { samples: 1_000, state: 'alert', ...outcome },
});
const test1 = (signal: string, evaluations: readonly EvaluatedCheck[], threshold: number) =>
  backTest(SIGNALS[signal]!, evaluations, threshold, LIMITS, []);

describe.each<[string, object, number]>([
  ['accuracy_drop', { drop: 0.08, dropPValue: 1e-9 }, 0.08],
  ['mae_rise', { drop: 0.3, dropPValue: 1e-9 }, 0.3],
  ['calibration_gap', { calibrationGapChange: 0.07, calibrationPValue: 1e-9 }, 0.07],
  [
    'kl_divergence',
    {
      features: [
        { klDivergence: 0.4, pValue: 0.01 },
        { klDivergence: 9, pValue: 0.5 },
        { klDivergence: null, pValue: 0 },
      ],
    },
    0.4,
  ],
  ['ks_statistic', { ksStatistic: 0.2, pValue: 0.01 }, 0.2],
  ['latency_spike', { spikeRatio: 3, pValue: 1e-9 }, 3],
  ['error_rate', { errorRatio: 0.2 }, 0.2],
  ['data_quality', { largestExcess: 0.2 }, 0.2],
])('%s', (signal, outcome, value) => {
  const evaluations = [0, 1, 2, 3].map((minute) => at(minute, outcome));

  test('below what was seen it fires, once, with its peak', () => {
    const { fired } = test1(signal, evaluations, value * 0.9);
    expect(fired).toHaveLength(1);
    expect(fired[0]).toMatchObject({ fromMs: 0, toMs: 3 * MINUTE, samples: 1_000 });
    expect(fired[0]!.peak).toBeCloseTo(value, 12);
  });
  test('above it does not', () => expect(test1(signal, evaluations, value * 1.1).fired).toEqual([]));
  test('too few samples never fire', () => {
    const few = evaluations.map(({ atMs, outcome: of }) => ({ atMs, outcome: { ...of, samples: 499 } }));
    expect(test1(signal, few, value * 0.9)).toMatchObject({ fired: [], tooFewSamples: 4 });
  });
  test('a figure that is not known is none', () => {
    expect(test1(signal, [at(0, {}), at(1, {}), at(2, {})], 0.0001).fired).toEqual([]);
  });
});

test('what is over before two minutes does not fire', () => {
  expect(test1('error_rate', [at(0, { errorRatio: 0.2 }), at(1, { errorRatio: 0.2 })], 0.1).fired).toEqual([]);
});

test('what comes back within a quarter of an hour is one incident, later another', () => {
  const bad = (minute: number) => at(minute, { errorRatio: 0.2 });
  const { fired } = test1('error_rate', [bad(0), bad(3), bad(18), bad(40), bad(43)], 0.1);
  expect(fired.map(({ fromMs, toMs }) => [fromMs / MINUTE, toMs / MINUTE])).toEqual([
    [0, 18],
    [40, 43],
  ]);
});

test.each([
  ['accuracy_drop', { drop: 0.02 }, 'dropPValue'],
  ['calibration_gap', { calibrationGapChange: 0.02 }, 'calibrationPValue'],
  ['latency_spike', { spikeRatio: 1.2 }, 'pValue'],
])(
  '%s far below the threshold of its day is decided by its p-value; without data nothing fires',
  (signal, outcome, name) => {
    const fired = (p: number | null) =>
      test1(
        signal,
        [0, 1, 2, 3].map((minute) => at(minute, { ...outcome, [name]: p, state: 'ok' })),
        0.01,
      ).fired.length;
    expect([fired(1e-5), fired(0.01), fired(null)]).toEqual([1, 0, 0]);
  },
);

test('says whether performance was lost in or after it', () => {
  const evaluations = [0, 1, 2].map((minute) => at(minute, { ksStatistic: 0.2, pValue: 0.001 }));
  const loss = (minute: number) => ({
    model: 'm',
    version: '',
    fromMs: minute * MINUTE,
    toMs: minute * MINUTE,
    windowMs: 10 * MINUTE,
  });
  const withLoss = (minute: number) =>
    backTest(SIGNALS.ks_statistic!, evaluations, 0.1, LIMITS, [loss(minute)]).fired[0]!.withLoss;
  expect([withLoss(-1), withLoss(1), withLoss(12), withLoss(13)]).toEqual([false, true, true, false]);
});

test('no evaluations', () => {
  expect(test1('error_rate', [], 0.1)).toEqual({ evaluations: 0, tooFewSamples: 0, fired: [] });
});
