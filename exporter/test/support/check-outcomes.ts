import type { CheckOutcomes, CheckState, DriftVerdict, FeatureDrift } from '../../src/domain/health.ts';
import { NEW_REPORT, TROUBLED_REPORT } from '../fixtures/model-report.ts';

/** Six checks that found nothing wrong, with what is said of some of them laid over. */
export function outcomes(
  over: { readonly [K in keyof CheckOutcomes]?: Partial<CheckOutcomes[K]> } = {},
): CheckOutcomes {
  const fine = { state: 'ok' as CheckState, score: 100, reason: null };
  const { checks } = TROUBLED_REPORT;
  return {
    performance: { ...checks.performance, ...fine, drop: 0, calibrationGapChange: 0, ...over.performance },
    data_drift: { ...checks.data_drift, ...fine, features: [], ...over.data_drift },
    prediction_drift: { ...checks.prediction_drift, ...fine, ...over.prediction_drift },
    latency: { ...checks.latency, ...fine, ...over.latency },
    error_rate: { ...checks.error_rate, ...fine, errorRatio: 0, ...over.error_rate },
    data_quality: { ...checks.data_quality, ...fine, ...over.data_quality },
  };
}

/** Six checks without data. */
export const NO_OUTCOMES = NEW_REPORT.checks;

export function drifted(feature: string, verdict: DriftVerdict, klDivergence = 0.5): FeatureDrift {
  return { ...TROUBLED_REPORT.checks.data_drift.features[0]!, feature, verdict, klDivergence };
}
