import { describe, expect, test } from '@jest/globals';

import { CHECK_NAMES, DEFAULT_SETTINGS, overlay, settingsFor, windowsOf } from './settings.ts';
import type { ModelSettings, Overrides, Settings } from './settings.ts';

describe('DEFAULT_SETTINGS', () => {
  test('has a weight and a window for each check, and weights that sum to 1', () => {
    const { weights, windows } = DEFAULT_SETTINGS.defaults;
    expect(Object.keys(weights)).toEqual(CHECK_NAMES);
    expect(Object.keys(windows)).toEqual(CHECK_NAMES);
    expect(Object.values(weights).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
  });
});

describe('overlay', () => {
  const defaults = DEFAULT_SETTINGS.defaults;

  test('replaces single values to any depth and keeps the rest', () => {
    const result = overlay(defaults, {
      thresholds: { driftScore: 0.4 },
      retraining: { triggers: { driftDetected: false } },
    });
    expect(result).toEqual({
      ...defaults,
      thresholds: { ...defaults.thresholds, driftScore: 0.4 },
      retraining: { ...defaults.retraining, triggers: { ...defaults.retraining.triggers, driftDetected: false } },
    });
  });

  test('changes neither of its arguments', () => {
    const before = structuredClone(defaults);
    overlay(defaults, { weights: { latency: 1 }, features: new Map([['age', { min: 1 }]]) });
    expect(defaults).toEqual(before);
  });

  test('merges maps by key, and replaces lists whole', () => {
    const base: ModelSettings = {
      ...defaults,
      features: new Map([['age', { min: 0, max: 100 }]]),
      segments: ['channel'],
    };
    const over: Overrides<ModelSettings> = {
      features: new Map([
        ['age', { max: 120 }],
        ['region', {}],
      ]),
      segments: ['shop'],
    };
    const result = overlay<ModelSettings>(base, over);
    expect([...result.features]).toEqual([
      ['age', { min: 0, max: 120 }],
      ['region', {}],
    ]);
    expect(result.segments).toEqual(['shop']);
  });

  test('starts afresh where the type changes', () => {
    const base: ModelSettings = { ...defaults, features: new Map([['age', { type: 'numeric', min: 0 }]]) };
    const result = overlay<ModelSettings>(base, { features: new Map([['age', { type: 'categorical' }]]) });
    expect(result.features.get('age')).toEqual({ type: 'categorical' });
  });

  test('null is a value, undefined is none', () => {
    const result = overlay(defaults.retraining, { triggers: { performanceDrop: null } });
    expect(result.triggers.performanceDrop).toBeNull();
    expect(overlay(defaults, undefined)).toBe(defaults);
  });

  test('does not touch prototypes', () => {
    const hostile = JSON.parse('{"gate":{"__proto__":{"polluted":true}}}') as Overrides<ModelSettings['retraining']>;
    const result = overlay<ModelSettings['retraining']>(defaults.retraining, hostile);
    expect((result.gate as { polluted?: boolean }).polluted).toBeUndefined();
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('settingsFor', () => {
  const own = { ...DEFAULT_SETTINGS.defaults, segments: ['channel'] };
  const settings: Settings = { ...DEFAULT_SETTINGS, models: new Map([['known', own]]) };

  test.each([
    ['a configured model', 'known', own],
    ['any other model', 'unheard-of', DEFAULT_SETTINGS.defaults],
  ])('%s', (_name, model, expected) => {
    expect(settingsFor(settings, model)).toBe(expected);
  });
});

describe('windowsOf', () => {
  const { windows, extraWindows } = DEFAULT_SETTINGS.defaults;
  const [HOUR, DAY] = [3_600_000, 86_400_000];
  const model = { windows, extraWindows: { ...extraWindows, latency: [60_000], data_drift: [7 * DAY] } };
  test('all of them, and those that read features and labels', () => {
    expect(windowsOf(model)).toEqual([DAY, DAY, 7 * DAY, DAY, HOUR, 60_000, HOUR, DAY]);
    expect(windowsOf(model, 'features')).toEqual([DAY, DAY, 7 * DAY, DAY, DAY]);
  });
});
