import type { CheckOutcomes, Severity } from './health.ts';
import { CHECK_NAMES } from './settings.ts';
import type { Thresholds } from './settings.ts';

/** A check in alert is high beyond so many times its threshold. */
const HIGH_FACTOR = 2;

/**
 * high: performance or error rate in alert beyond twice the threshold, or two or more checks in alert. medium: any check but data quality
 * in alert. low: performance in warning, any feature that drifted moderately, data quality in alert. Else none.
 */
export function severityOf(checks: CheckOutcomes, thresholds: Thresholds): Severity {
  const alerts = CHECK_NAMES.filter((name) => checks[name].state === 'alert');
  if (alerts.length >= 2 || isHigh(checks, thresholds)) return 'high';
  if (alerts.some((name) => name !== 'data_quality')) return 'medium';
  const minor =
    alerts.length > 0 ||
    checks.performance.state === 'warning' ||
    checks.data_drift.features.some(({ verdict }) => verdict === 'moderate');
  return minor ? 'low' : 'none';
}

function isHigh({ performance, error_rate: errors }: CheckOutcomes, thresholds: Thresholds): boolean {
  const degraded =
    performance.state === 'alert' &&
    (performance.drop > HIGH_FACTOR * thresholds.accuracyDrop ||
      performance.calibrationGapChange > HIGH_FACTOR * thresholds.calibrationGap);
  return degraded || (errors.state === 'alert' && errors.errorRatio > HIGH_FACTOR * thresholds.errorRate);
}
