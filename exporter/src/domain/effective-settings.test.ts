import { describe, expect, test } from '@jest/globals';

import { effectiveSettings, THRESHOLD_KEYS } from './effective-settings.ts';
import { DEFAULT_SETTINGS } from './settings.ts';
import type { ModelSettings, Overrides, Settings } from './settings.ts';

const { defaults } = DEFAULT_SETTINGS;

function settings(own?: Overrides<ModelSettings>): Settings {
  return { ...DEFAULT_SETTINGS, overrides: own === undefined ? new Map() : new Map([['churn', own]]) };
}

test('nothing said: the defaults', () => {
  expect(effectiveSettings(settings(), 'churn', {})).toEqual(defaults);
});

describe('what was declared lies over the defaults', () => {
  test.each([
    ['accuracy_drop', 'accuracyDrop'],
    ['drift_score', 'driftScore'],
    ['latency_spike', 'latencySpike'],
    ['error_rate', 'errorRate'],
    ['ks_p_value', 'ksPValue'],
    ['min_ks_statistic', 'minKsStatistic'],
    ['data_quality', 'dataQuality'],
    ['calibration_gap', 'calibrationGap'],
    ['error_budget', 'errorBudget'],
    ['latency_budget', 'latencyBudget'],
  ] as const)('threshold %s', (key, name) => {
    const { thresholds } = effectiveSettings(settings(), 'churn', { thresholds: { [key]: 0.123 } });
    expect(thresholds).toEqual({ ...defaults.thresholds, [name]: 0.123 });
  });

  test('every threshold can be declared', () => {
    expect(Object.values(THRESHOLD_KEYS).sort()).toEqual(Object.keys(defaults.thresholds).sort());
  });

  test('a threshold that does not exist changes nothing', () => {
    expect(effectiveSettings(settings(), 'churn', { thresholds: { accuracyDrop: 0.9, nonsense: 1 } })).toEqual(
      defaults,
    );
  });

  test('task, positive class, weights and features', () => {
    const found = effectiveSettings(settings(), 'churn', {
      task: 'binary',
      positive_class: 'yes',
      weights: { performance: 0.5, data_drift: 0.05 },
      features: { age: { type: 'numeric', min: 0 } },
    });
    expect(found).toMatchObject({ task: 'binary', positiveClass: 'yes' });
    expect(found.weights).toEqual({ ...defaults.weights, performance: 0.5, data_drift: 0.05 });
    expect(found.features).toEqual(new Map([['age', { type: 'numeric', min: 0 }]]));
  });
});

describe('the file lies over what was declared', () => {
  const file: Overrides<ModelSettings> = {
    task: 'multiclass',
    thresholds: { driftScore: 0.4 },
    features: new Map([['age', { max: 99 }]]),
  };
  const declared = {
    task: 'binary',
    thresholds: { drift_score: 0.2, error_rate: 0.01 },
    features: { age: { type: 'numeric', max: 50, min: 0 }, region: { type: 'categorical' } },
  } as const;
  const found = effectiveSettings(settings(file), 'churn', declared);

  test('where both say something', () => {
    expect(found.task).toBe('multiclass');
    expect(found.thresholds.driftScore).toBe(0.4);
    expect(found.features.get('age')).toEqual({ type: 'numeric', min: 0, max: 99 });
  });

  test('what only one says stays', () => {
    expect(found.thresholds.errorRate).toBe(0.01);
    expect(found.thresholds.accuracyDrop).toBe(defaults.thresholds.accuracyDrop);
    expect(found.features.get('region')).toEqual({ type: 'categorical' });
  });

  test('another model has nothing of it', () => {
    expect(effectiveSettings(settings(file), 'other', {})).toEqual(defaults);
  });

  test('neither is changed', () => {
    expect(file.features?.get('age')).toEqual({ max: 99 });
    expect(DEFAULT_SETTINGS.defaults.features.size).toBe(0);
    expect(declared.features.age.max).toBe(50);
  });
});
