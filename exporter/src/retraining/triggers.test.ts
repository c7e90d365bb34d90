import { describe, expect, test } from '@jest/globals';
import { NEW_REPORT, TROUBLED_REPORT } from '../../test/fixtures/model-report.ts';
import type { ModelReport } from '../domain/model-report.ts';
import type { RetrainingSettings } from '../domain/retraining-settings.ts';
import { championOf, findNeed, isShadowOnly } from './triggers.ts';
import type { TriggerInput } from './triggers.ts';

const DAY = 86_400_000;

function withRetraining(report: ModelReport, more: Partial<RetrainingSettings>): ModelReport {
  return {
    ...report,
    settings: {
      ...report.settings,
      retraining: {
        ...report.settings.retraining,
        enabled: true,
        trainer: { type: 'embedded', deadlineMs: DAY },
        ...more,
      },
    },
  };
}

function input(more: Partial<TriggerInput> = {}): TriggerInput {
  const report = more.report ?? withRetraining(TROUBLED_REPORT, {});
  return {
    nowMs: TROUBLED_REPORT.evaluatedAtMs,
    trainedAtMs: TROUBLED_REPORT.evaluatedAtMs - DAY,
    newDataPoints: 5_000,
    activeJob: false,
    cooldownEndMs: NaN,
    versionChanged: false,
    ...more,
    report,
  };
}

const codes = (given: TriggerInput) => findNeed(given).reasons.map(({ code }) => code);

describe('findNeed', () => {
  test('a fall beyond threshold and chance is a reason; drift is a suggestion', () => {
    const need = findNeed(input());
    expect(need.needed).toBe(true);
    expect(need.reasons[0]).toMatchObject({ code: 'performance_drop', threshold: 0.05, samples: 800 });
    expect(need.reasons[0]!.observed).toBeCloseTo(0.07, 10);
    expect(need.suggestions.map(({ code, note }) => [code, note])).toContainEqual(['drift_detected', 'tenure_months']);
    expect(codes(input())).not.toContain('drift_detected');
  });

  test('a fall that could be chance is none', () => {
    const { performance } = TROUBLED_REPORT.checks;
    const unsure = { ...performance, figures: { ...performance.figures, accuracyUpper: 0.92 } };
    const report = withRetraining(
      { ...TROUBLED_REPORT, checks: { ...TROUBLED_REPORT.checks, performance: unsure } },
      {},
    );
    expect(codes(input({ report }))).not.toContain('performance_drop');
  });

  test('a fall on few labels is none', () => {
    const { performance } = TROUBLED_REPORT.checks;
    const few = { ...performance, samples: 199 };
    const report = withRetraining({ ...TROUBLED_REPORT, checks: { ...TROUBLED_REPORT.checks, performance: few } }, {});
    expect(codes(input({ report }))).not.toContain('performance_drop');
  });

  test('a new model has no reason', () => {
    const report = withRetraining(NEW_REPORT, {});
    expect(findNeed(input({ report }))).toMatchObject({ needed: false, reasons: [], suggestions: [] });
  });

  test('age counts from the training', () => {
    expect(codes(input({ trainedAtMs: input().nowMs - 31 * DAY }))).toContain('days_since_training');
    expect(codes(input({ trainedAtMs: input().nowMs - 29 * DAY }))).not.toContain('days_since_training');
    expect(codes(input({ trainedAtMs: NaN }))).not.toContain('days_since_training');
  });

  test('with on_drift: shadow, drift starts a job, which is a shadow where nothing else speaks for it', () => {
    const triggers = {
      ...TROUBLED_REPORT.settings.retraining.triggers,
      performanceDrop: null,
      calibrationGap: null,
      errorRateThreshold: null,
    };
    const need = findNeed(input({ report: withRetraining(TROUBLED_REPORT, { onDrift: 'shadow', triggers }) }));
    expect(need.reasons.map(({ code }) => code)).toEqual(['drift_detected']);
    expect(isShadowOnly(need)).toBe(true);
    expect(isShadowOnly(findNeed(input()))).toBe(false);
  });

  test.each([
    ['nothing', {}, []],
    ['a job under way', { activeJob: true }, ['active_job']],
    ['the cool-down', { cooldownEndMs: Infinity }, ['cooldown']],
    ['too few new rows', { newDataPoints: 999 }, ['min_new_data_points']],
    ['that nobody trains', { report: withRetraining(TROUBLED_REPORT, { trainer: { type: 'none' } }) }, ['no_trainer']],
    [
      'that it is not known what it predicts',
      { report: withRetraining({ ...TROUBLED_REPORT, task: 'unknown' }, {}) },
      ['task_unknown'],
    ],
    ['the configuration', { report: withRetraining(TROUBLED_REPORT, { enabled: false }) }, ['disabled']],
  ])('stands against it: %s', (_name, more, blockedBy) => {
    expect(findNeed(input(more)).blockedBy).toEqual(blockedBy);
  });

  test('an old baseline, or one of another version, is to be made anew', () => {
    const old = {
      ...TROUBLED_REPORT,
      baseline: { ...TROUBLED_REPORT.baseline, madeAtMs: TROUBLED_REPORT.evaluatedAtMs - 91 * DAY },
    };
    const suggested = (more: Partial<TriggerInput>) =>
      findNeed(input(more)).suggestions.filter(({ code }) => code === 'baseline_refresh');
    expect(suggested({ report: withRetraining(old, {}) })).toMatchObject([{ observed: 91, threshold: 90 }]);
    expect(suggested({ versionChanged: true })).toMatchObject([{ note: expect.stringContaining('version changed') }]);
  });
});

test('championOf keeps what a candidate must beat', () => {
  const { reasons } = findNeed(input());
  expect(championOf(TROUBLED_REPORT, reasons)).toEqual({
    version: TROUBLED_REPORT.version,
    degraded: true,
    baselineFigure: 0.91,
  });
  expect(championOf(NEW_REPORT, [])).toMatchObject({ degraded: false });
});
