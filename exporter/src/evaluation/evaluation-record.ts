import type { FeatureDrift } from '../domain/health.ts';
import type { ModelReport } from '../domain/model-report.ts';

/** At most so many features are kept with an evaluation, the worst by KL divergence. */
const KEPT_FEATURES = 10;

/** What is kept of a report for history and back-tests: every figure, but only the worst features. NaN becomes null. */
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
    checks: {
      performance,
      data_drift: { ...drift, features: worst(drift.features) },
      prediction_drift: prediction,
      latency,
      error_rate: { ...errors, byReason: Object.fromEntries(errors.byReason) },
      data_quality: quality,
    },
  };
}

function worst(features: readonly FeatureDrift[]): readonly FeatureDrift[] {
  const badness = ({ klDivergence }: FeatureDrift) => (Number.isNaN(klDivergence) ? -1 : klDivergence);
  return [...features].sort((a, b) => badness(b) - badness(a)).slice(0, KEPT_FEATURES);
}
