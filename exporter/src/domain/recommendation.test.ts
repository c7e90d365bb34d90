import { describe, expect, test } from '@jest/globals';

import { drifted, NO_OUTCOMES, outcomes } from '../../test/support/check-outcomes.ts';
import type { CheckOutcomes, DriftVerdict } from './health.ts';
import { recommend } from './recommendation.ts';
import { DEFAULT_SETTINGS } from './settings.ts';

const { thresholds } = DEFAULT_SETTINGS.defaults;
const NO_DAYS: ReadonlyMap<string, number> = new Map();
const alert = { state: 'alert' } as const;
const warning = { state: 'warning' } as const;
const few = { state: 'insufficient_data' } as const;

/** Features f1 ... fn of one verdict. */
const features = (n: number, verdict: DriftVerdict) =>
  Array.from({ length: n }, (_, i) => drifted(`f${i + 1}`, verdict));
const drift = (n: number, verdict: DriftVerdict) => ({ data_drift: { features: features(n, verdict) } });
const days = (n: number, of: number) => new Map(Array.from({ length: n }, (_, i) => [`f${i + 1}`, of]));

describe('recommend, accuracy drop 0.05', () => {
  test.each<[string, CheckOutcomes, ReadonlyMap<string, number>, string]>([
    ['all is well', outcomes(), NO_DAYS, 'none'],
    ['no check has data', NO_OUTCOMES, NO_DAYS, 'none'],
    ['features without drift', outcomes(drift(9, 'none')), NO_DAYS, 'none'],
    ['features without data', outcomes(drift(9, 'insufficient_data')), days(9, 9), 'none'],

    ['a moderate feature, performance stable', outcomes(drift(1, 'moderate')), NO_DAYS, 'watch_closely'],
    ['a significant one, performance stable', outcomes(drift(1, 'significant')), NO_DAYS, 'watch_closely'],
    ['predictions drifted', outcomes({ prediction_drift: alert }), NO_DAYS, 'watch_closely'],
    ['predictions drifted a little', outcomes({ prediction_drift: warning }), NO_DAYS, 'none'],
    ['drift without labels', outcomes({ ...drift(1, 'significant'), performance: few }), NO_DAYS, 'watch_closely'],
    ['drift, performance warns', outcomes({ ...drift(1, 'moderate'), performance: warning }), NO_DAYS, 'watch_closely'],

    [
      'drift and a fall of twice the threshold',
      outcomes({ ...drift(1, 'significant'), performance: { ...alert, drop: 0.1 } }),
      NO_DAYS,
      'watch_closely',
    ],
    [
      'drift and more',
      outcomes({ ...drift(1, 'significant'), performance: { ...alert, drop: 0.11 } }),
      NO_DAYS,
      'retrain',
    ],
    [
      'prediction drift and more',
      outcomes({ prediction_drift: alert, performance: { ...alert, drop: 0.11 } }),
      NO_DAYS,
      'retrain',
    ],
    [
      'moderate drift and more',
      outcomes({ ...drift(3, 'moderate'), performance: { ...alert, drop: 0.3 } }),
      NO_DAYS,
      'watch_closely',
    ],
    ['a fall without drift', outcomes({ performance: { ...alert, drop: 0.3 } }), NO_DAYS, 'none'],
    [
      'a fall on too few labels',
      outcomes({ ...drift(1, 'significant'), performance: { ...few, drop: 0.3 } }),
      NO_DAYS,
      'watch_closely',
    ],

    ['six features for three days', outcomes(drift(6, 'significant')), days(6, 3), 'update_features'],
    ['five of them', outcomes(drift(5, 'significant')), days(5, 3), 'watch_closely'],
    ['six for less', outcomes(drift(6, 'significant')), days(6, 2.99), 'watch_closely'],
    ['six, one of them for less', outcomes(drift(6, 'significant')), days(5, 9), 'watch_closely'],
    ['six that are moderate now', outcomes(drift(6, 'moderate')), days(6, 9), 'watch_closely'],
    [
      'six, and performance fell too: retrain',
      outcomes({ ...drift(6, 'significant'), performance: { ...alert, drop: 0.2 } }),
      days(6, 9),
      'retrain',
    ],
  ])('%s', (_name, checks, lasting, action) => {
    const found = recommend(checks, thresholds, lasting);
    expect(found.action).toBe(action);
    expect(found.reasons.length > 0).toBe(action !== 'none');
  });

  test.each<[string, CheckOutcomes['performance']['state'], number, readonly string[]]>([
    ['is stable', 'ok', 0.01, []],
    ['has no labels', 'insufficient_data', 0.3, []],
    ['fell some', 'warning', 0.04, ['performance fell by 4.0 %']],
    ['fell far', 'alert', 0.2, ['performance fell by 20.0 %']],
    ['is off in its calibration alone', 'alert', -0.01, []],
  ])('beside drift, a reason says when performance %s', (_name, state, drop, expected) => {
    const { reasons } = recommend(
      outcomes({ ...drift(1, 'significant'), performance: { state, drop } }),
      thresholds,
      NO_DAYS,
    );
    expect(reasons.slice(1)).toEqual(expected);
  });

  test('takes the threshold of the model', () => {
    const checks = outcomes({ ...drift(1, 'significant'), performance: { ...alert, drop: 0.15 } });
    expect(recommend(checks, { ...thresholds, accuracyDrop: 0.1 }, NO_DAYS).action).toBe('watch_closely');
  });

  test('says why', () => {
    const checks = outcomes({
      data_drift: {
        features: [drifted('age', 'moderate', 0.1234), drifted('income', 'significant', 0.5), drifted('x', 'none')],
      },
      prediction_drift: { ...alert, ksStatistic: 0.25 },
      performance: { ...alert, drop: 0.125 },
    });
    expect(recommend(checks, thresholds, NO_DAYS).reasons).toEqual([
      'income drifted significantly (KL 0.500)',
      'age drifted moderately (KL 0.123)',
      'predictions drifted (D 0.250)',
      'performance fell by 12.5 %',
    ]);
  });

  test('says how many features have drifted for long, which, and how long', () => {
    const lasting = new Map([...days(6, 4.9), ['f7', 1], ['f8', 0.5]]);
    const { reasons } = recommend(outcomes(drift(8, 'significant')), thresholds, lasting);
    expect(reasons.slice(0, 2)).toEqual([
      '6 features have drifted significantly for 3 days or more',
      expect.stringMatching(/^f1 drifted significantly for 4 days \(KL /),
    ]);
    expect(reasons.slice(-2)).toEqual([
      expect.stringMatching(/^f7 drifted significantly for 1 day \(KL /),
      expect.stringMatching(/^f8 drifted significantly \(KL /),
    ]);
  });
});
