import type { CheckOutcomes, FeatureDrift, Recommendation } from './health.ts';
import type { Thresholds } from './settings.ts';

const LASTING_DAYS = 3;
const MANY_FEATURES = 5;

/**
 * What to do about drift: retrain when it is significant and performance fell by more than twice the threshold; update the features when
 * more than 5 of them have been significant for 3 days; watch closely at any other drift; without drift nothing.
 *
 * @param significantDays for how many days each feature has been significant without a break
 */
export function recommend(
  checks: CheckOutcomes,
  thresholds: Thresholds,
  significantDays: ReadonlyMap<string, number>,
): Recommendation {
  const { performance, data_drift: drift, prediction_drift: prediction } = checks;
  const significant = drift.features.filter(({ verdict }) => verdict === 'significant');
  const moderate = drift.features.filter(({ verdict }) => verdict === 'moderate');
  const reasons = [
    ...significant.map((one) => describe('drifted significantly', one, significantDays)),
    ...moderate.map((one) => describe('drifted moderately', one)),
  ];
  if (prediction.state === 'alert') reasons.push(`predictions drifted (D ${prediction.ksStatistic.toFixed(3)})`);
  const drifted = significant.length > 0 || prediction.state === 'alert';
  if (!drifted && moderate.length === 0) return { action: 'none', reasons: [] };
  const { state, drop } = performance;
  const fellFar = state !== 'insufficient_data' && drop > 2 * thresholds.accuracyDrop;
  const fell = fellFar || ((state === 'warning' || state === 'alert') && drop > 0);
  if (fell) reasons.push(`performance fell by ${(100 * drop).toFixed(1)} %`);
  if (drifted && fellFar) return { action: 'retrain', reasons };
  const lasting = significant.filter(({ feature }) => (significantDays.get(feature) ?? 0) >= LASTING_DAYS);
  if (lasting.length > MANY_FEATURES)
    return {
      action: 'update_features',
      reasons: [`${lasting.length} features have drifted significantly for ${LASTING_DAYS} days or more`, ...reasons],
    };
  return { action: 'watch_closely', reasons };
}

function describe(
  what: string,
  { feature, klDivergence }: FeatureDrift,
  lasting: ReadonlyMap<string, number> = new Map(),
): string {
  const days = Math.floor(lasting.get(feature) ?? 0);
  const howLong = days === 0 ? '' : ` for ${days} ${days === 1 ? 'day' : 'days'}`;
  return `${feature} ${what}${howLong} (KL ${klDivergence.toFixed(3)})`;
}
