import { describe, expect, test } from '@jest/globals';

import { NEW_REPORT, TROUBLED_REPORT } from '../../test/fixtures/model-report.ts';
import { drifted } from '../../test/support/check-outcomes.ts';
import type { FeatureDrift } from '../domain/health.ts';
import type { ModelReport } from '../domain/model-report.ts';
import { findNeed } from '../retraining/triggers.ts';
import { evaluationRecord, readEvaluationRecord, significantFeatures } from './evaluation-record.ts';

type Plain = Readonly<Record<string, unknown>>;
interface Recorded {
  readonly level: string;
  readonly coverage: number;
  readonly checks: Readonly<Record<string, Plain>> & {
    readonly data_drift: { readonly features: readonly Plain[]; readonly significant: readonly string[] };
  };
}
const recorded = (report: ModelReport) => JSON.parse(JSON.stringify(evaluationRecord(report))) as Recorded;

function withFeatures(features: readonly FeatureDrift[]): ModelReport {
  const { checks } = TROUBLED_REPORT;
  return { ...TROUBLED_REPORT, checks: { ...checks, data_drift: { ...checks.data_drift, features } } };
}

describe('evaluationRecord', () => {
  const found = recorded(TROUBLED_REPORT);

  test('level, coverage and every check with its figures', () => {
    expect(found).toMatchObject({ level: 'fair', coverage: 1 });
    expect(Object.keys(found.checks)).toEqual([
      'performance',
      'data_drift',
      'prediction_drift',
      'latency',
      'error_rate',
      'data_quality',
    ]);
    expect(found.checks.performance).toMatchObject({
      state: 'alert',
      score: 30,
      drop: 0.07,
      figures: { accuracy: 0.84 },
    });
    expect(found.checks.latency).toMatchObject({ state: 'warning', spikeRatio: 1.75 });
  });

  test('errors by reason survive JSON', () => {
    expect(found.checks.error_rate).toMatchObject({ errors: 10, byReason: { timeout: 10 } });
  });

  test('what is not known is null, never 0', () => {
    const { checks, coverage, level } = recorded(NEW_REPORT);
    expect([coverage, level]).toEqual([0, 'unknown']);
    for (const check of Object.values(checks)) expect(check).toMatchObject({ state: 'insufficient_data', score: null });
    expect(checks.performance).toMatchObject({ drop: null });
  });

  test('the ten worst features by KL divergence, those without data last', () => {
    const features = [
      drifted('unknown', 'insufficient_data', NaN),
      ...Array.from({ length: 12 }, (_, i) => drifted(`f${i}`, 'none', ((i * 5) % 12) / 10)),
    ];
    const report = withFeatures(features);
    const kept = recorded(report).checks.data_drift.features;
    expect(kept.map(({ klDivergence }) => klDivergence)).toEqual([1.1, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]);
    // i * 5 mod 12: 11 is 7's, 10 is 2's.
    expect(kept.slice(0, 2).map(({ feature }) => feature)).toEqual(['f7', 'f2']);
    expect(report.checks.data_drift.features[0]!.feature).toBe('unknown');
  });

  test('fewer than ten: all of them, also without data', () => {
    const report = withFeatures([drifted('a', 'insufficient_data', NaN), drifted('b', 'none', 0)]);
    const { features } = recorded(report).checks.data_drift;
    expect(features.map(({ feature }) => feature)).toEqual(['b', 'a']);
  });
});

describe('readEvaluationRecord', () => {
  const read = (report: ModelReport) => readEvaluationRecord(JSON.parse(JSON.stringify(evaluationRecord(report))));

  test.each([
    ['a troubled model', TROUBLED_REPORT],
    ['a new one', NEW_REPORT],
  ])('%s is as due for retraining by its record as by its report', (_name, report) => {
    const { model, version, task, settings } = report;
    const needOf = (judged: Parameters<typeof findNeed>[0]['report']) =>
      findNeed({
        report: judged,
        nowMs: report.evaluatedAtMs,
        trainedAtMs: report.evaluatedAtMs - 40 * 86_400_000,
        newDataPoints: 5_000,
        activeJob: false,
        cooldownEndMs: NaN,
        versionChanged: false,
      });
    expect(needOf({ model, version, task, settings, ...read(report)! })).toEqual(needOf(report));
  });

  test('every significant feature is named, also one that is not among the worst', () => {
    const many = Array.from({ length: 12 }, (_, i) => drifted(`f${i}`, 'significant', i));
    const record = recorded(withFeatures(many));
    expect(record.checks.data_drift.features).toHaveLength(10);
    expect(record.checks.data_drift.significant).toEqual(many.map(({ feature }) => feature));
    expect(significantFeatures(withFeatures(many))).toHaveLength(12);
  });

  test('a record of an older release says nothing', () => {
    expect(readEvaluationRecord({ level: 'fair', checks: {} })).toBeNull();
  });
});
