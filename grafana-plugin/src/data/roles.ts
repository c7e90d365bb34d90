import { Sample } from './samples';

export type Role =
  'score' | 'level' | 'check' | 'weight' | 'state' | 'drift' | 'threshold' | 'updated' | 'baseline' | 'current';

/** How a drift statistic is named to people; `signal` is its row in `ml_alert_threshold`. */
export interface DriftStatistic {
  readonly key: string;
  readonly name: string;
  readonly signal: string | null;
  /** The usual bound, where the data brings none. */
  readonly threshold: number;
}

/** In the order in which they are preferred: what the exporter judges drift by comes first. */
export const DRIFT_STATISTICS: readonly DriftStatistic[] = [
  { key: 'kl_divergence_nats', name: 'KL', signal: 'kl_divergence', threshold: 0.3 },
  { key: 'psi', name: 'PSI', signal: null, threshold: 0.25 },
  { key: 'ks_statistic', name: 'KS', signal: 'ks_statistic', threshold: 0.1 },
  { key: 'js_distance', name: 'JS', signal: null, threshold: 0.2 },
  { key: 'wasserstein', name: 'W1', signal: null, threshold: 0.5 },
];
const PREFIX = 'ml_feature_drift_';
const STATISTIC_OF: ReadonlyMap<string, DriftStatistic> = new Map(
  DRIFT_STATISTICS.flatMap((statistic) => [
    [statistic.key, statistic],
    [PREFIX + statistic.key, statistic],
  ])
);

const METRICS: ReadonlyArray<readonly [metric: string, role: Role]> = [
  ['ml_model_health_score', 'score'],
  ['ml_model_health_level', 'level'],
  ['ml_model_check_score', 'check'],
  ['ml_model_check_weight_ratio', 'weight'],
  ['ml_model_check_state', 'state'],
  ['ml_alert_threshold', 'threshold'],
  ['ml_last_prediction_timestamp_seconds', 'updated'],
  ['ml_feature_baseline_bin_ratio', 'baseline'],
  ['ml_feature_bin_total', 'current'],
];
/** By a metric's name, by the role itself, or by a statistic of drift. */
const ROLE_OF: ReadonlyMap<string, Role> = new Map([
  ...METRICS,
  ...METRICS.map(([, role]) => [role, role] as const),
  ['drift', 'drift'],
  ...[...STATISTIC_OF.keys()].map((name) => [name, 'drift'] as const),
]);

/** What a drift sample measures. Another metric with a feature label is shown under its own name. */
export function statisticOf({ names }: Sample): DriftStatistic {
  for (const name of names) {
    const known = STATISTIC_OF.get(name);
    if (known) {
      return known;
    }
  }
  return { key: 'other', name: 'drift', signal: null, threshold: 0.25 };
}

export interface LabelNames {
  readonly checkLabel: string;
  readonly featureLabel: string;
}

/**
 * By the metric's name where it is known. A function or an aggregation takes the name away: then by a legend or a query's letter that
 * is a metric's name, a statistic's key or a role, such as `check`, and at last by the labels. Null: of no use to the panel.
 */
export function roleOf(sample: Sample, { checkLabel, featureLabel }: LabelNames): Role | null {
  for (const name of sample.names) {
    const role = ROLE_OF.get(name);
    if (role !== undefined) {
      return role;
    }
    // A bound or a p-value is no size of drift.
    if (name.startsWith(PREFIX)) {
      return null;
    }
  }
  const { labels } = sample;
  if (labels.bin !== undefined) {
    return 'current';
  }
  if (labels[featureLabel] !== undefined) {
    return 'drift';
  }
  if (labels[checkLabel] !== undefined) {
    return labels.state === undefined ? 'check' : 'state';
  }
  if (labels.level !== undefined) {
    return 'level';
  }
  return labels.signal === undefined ? 'score' : 'threshold';
}
