import type { FeatureDrift } from '../domain/health.ts';
import type { JudgedReport, ModelReport } from '../domain/model-report.ts';

/** At most so many features are kept with an evaluation, the worst by KL divergence. */
const KEPT_FEATURES = 10;

/** What is kept of a report for history, back-tests and other replicas: every figure, but only the worst features. NaN becomes null. */
export function evaluationRecord(report: ModelReport): unknown {
  const {
    performance,
    data_drift: drift,
    prediction_drift: prediction,
    latency,
    error_rate: errors,
    data_quality: quality,
  } = report.checks;
  return {
    level: report.health.level,
    coverage: report.health.coverage,
    baseline: { kind: report.baseline.kind, madeAtMs: report.baseline.madeAtMs },
    windowPredictions: report.windowPredictions,
    checks: {
      performance,
      data_drift: { ...drift, features: worst(drift.features), significant: significantFeatures(report) },
      prediction_drift: prediction,
      latency,
      error_rate: { ...errors, byReason: Object.fromEntries(errors.byReason) },
      data_quality: quality,
    },
  };
}

/** The other way round: what retraining asks of a record. null: one of an older release, which had less. */
export function readEvaluationRecord(
  record: unknown,
): Pick<JudgedReport, 'baseline' | 'checks' | 'windowPredictions'> | null {
  const revive = (key: string, value: unknown): unknown => (value === null && key !== 'reason' ? NaN : value);
  const found = JSON.parse(JSON.stringify(record), revive) as Partial<JudgedReport>;
  const { baseline, checks, windowPredictions } = found;
  if (baseline === undefined || checks === undefined || windowPredictions === undefined) return null;
  return { baseline, checks, windowPredictions };
}

/** Names of the features that have drifted significantly, whether they are among the worst or not. */
export function significantFeatures({ checks }: Pick<ModelReport, 'checks'>): readonly string[] {
  return checks.data_drift.features.filter(({ verdict }) => verdict === 'significant').map(({ feature }) => feature);
}

function worst(features: readonly FeatureDrift[]): readonly FeatureDrift[] {
  const badness = ({ klDivergence }: FeatureDrift) => (Number.isNaN(klDivergence) ? -1 : klDivergence);
  return [...features].sort((a, b) => badness(b) - badness(a)).slice(0, KEPT_FEATURES);
}
