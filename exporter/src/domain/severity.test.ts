import { describe, expect, test } from '@jest/globals';

import { drifted, NO_OUTCOMES, outcomes } from '../../test/support/check-outcomes.ts';
import type { CheckOutcomes } from './health.ts';
import { CHECK_NAMES, DEFAULT_SETTINGS } from './settings.ts';
import { severityOf } from './severity.ts';

const { thresholds } = DEFAULT_SETTINGS.defaults;
const alert = { state: 'alert' } as const;
const warning = { state: 'warning' } as const;
const fallen = (drop: number) => outcomes({ performance: { ...alert, drop } });

describe('severityOf, accuracy and errors 0.05', () => {
  test.each<[string, CheckOutcomes, string]>([
    ['all is well', outcomes(), 'none'],
    ['no check has data', NO_OUTCOMES, 'none'],

    ['performance fell', fallen(0.06), 'medium'],
    ['by twice the threshold exactly', fallen(0.1), 'medium'],
    ['by more', fallen(0.1001), 'high'],
    ['by more, on too few labels', outcomes({ performance: { ...warning, drop: 0.3 } }), 'low'],
    ['by more, perhaps by chance', outcomes({ performance: { drop: 0.3 } }), 'none'],
    ['calibration moved', outcomes({ performance: { ...alert, calibrationGapChange: 0.1 } }), 'medium'],
    ['by more than twice', outcomes({ performance: { ...alert, calibrationGapChange: 0.11 } }), 'high'],
    ['a calibration that is not known', outcomes({ performance: { ...alert, calibrationGapChange: NaN } }), 'medium'],

    ['errors', outcomes({ error_rate: { ...alert, errorRatio: 0.1 } }), 'medium'],
    ['errors beyond twice the threshold', outcomes({ error_rate: { ...alert, errorRatio: 0.11 } }), 'high'],
    ['the same on too few', outcomes({ error_rate: { ...warning, errorRatio: 0.9 } }), 'none'],

    ['data drift', outcomes({ data_drift: alert }), 'medium'],
    ['prediction drift', outcomes({ prediction_drift: alert }), 'medium'],
    ['latency', outcomes({ latency: alert }), 'medium'],
    ['data quality alone', outcomes({ data_quality: alert }), 'low'],
    ['data quality and another', outcomes({ data_quality: alert, latency: alert }), 'high'],
    ['any two alerts', outcomes({ data_drift: alert, prediction_drift: alert }), 'high'],

    ['performance warns', outcomes({ performance: warning }), 'low'],
    ['a moderate feature', outcomes({ data_drift: { ...warning, features: [drifted('age', 'moderate')] } }), 'low'],
    [
      'a feature on too few values',
      outcomes({ data_drift: { features: [drifted('age', 'insufficient_data')] } }),
      'none',
    ],
    [
      'an alert beside a moderate feature',
      outcomes({ latency: alert, data_drift: { features: [drifted('a', 'moderate')] } }),
      'medium',
    ],
  ])('%s', (_name, checks, severity) => expect(severityOf(checks, thresholds)).toBe(severity));

  test.each(['prediction_drift', 'latency', 'error_rate', 'data_quality'] as const)('%s warns: none', (check) => {
    expect(severityOf(outcomes({ [check]: warning }), thresholds)).toBe('none');
  });

  test.each(CHECK_NAMES)('%s without data never adds to it', (check) => {
    expect(severityOf(outcomes({ [check]: NO_OUTCOMES[check] }), thresholds)).toBe('none');
  });

  test('takes the thresholds of the model', () => {
    expect(severityOf(fallen(0.15), { ...thresholds, accuracyDrop: 0.1 })).toBe('medium');
    expect(severityOf(fallen(0.05), { ...thresholds, accuracyDrop: 0.02 })).toBe('high');
  });
});
