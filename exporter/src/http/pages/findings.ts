import type { FeatureDrift, QualityIssue } from '../../domain/health.ts';
import type { ModelReport } from '../../domain/model-report.ts';
import { CHECK_NAMES } from '../../domain/settings.ts';
import type { CheckName } from '../../domain/settings.ts';

export interface Finding {
  readonly check: CheckName;
  readonly state: 'alert' | 'warning';
  /** What is wrong in a few words, as text; '' when the state says it all. */
  readonly detail: string;
}

const SHOWN_FEATURES = 3;
const SHOWN_ISSUES = 2;

/** The checks in alert, then those in warning, each with the figure that a person would ask for next. */
export function findingsOf(report: ModelReport): readonly Finding[] {
  return (['alert', 'warning'] as const).flatMap((state) =>
    CHECK_NAMES.filter((check) => report.checks[check].state === state).map((check) => ({
      check,
      state,
      detail: DETAIL[check](report),
    })),
  );
}

const DETAIL: Readonly<Record<CheckName, (report: ModelReport) => string>> = {
  performance: ({ task, checks: { performance }, settings }) => {
    const { figures, baseline, drop, calibrationGapChange } = performance;
    const details: string[] = [];
    if (task === 'regression') {
      if (Number.isFinite(drop)) details.push(`mean absolute error ${signed(100 * drop)} %`);
    } else if (Number.isFinite(drop))
      details.push(`accuracy ${percent(figures.accuracy)}, was ${percent(baseline.accuracy)}`);
    if (calibrationGapChange > settings.thresholds.calibrationGap)
      details.push(`calibration off by ${calibrationGapChange.toFixed(2)}`);
    return details.join('; ');
  },
  data_drift: ({ checks: { data_drift: drift } }) => {
    const names = (wanted: FeatureDrift['verdict']) =>
      drift.features
        .filter(({ verdict }) => verdict === wanted)
        .sort((a, b) => b.klDivergence - a.klDivergence)
        .map(({ feature }) => feature);
    return firstOf([...names('significant'), ...names('moderate')], SHOWN_FEATURES);
  },
  prediction_drift: ({ checks: { prediction_drift: drift } }) =>
    Number.isFinite(drift.meanShift) ? `mean moved by ${signed(drift.meanShift, 3)}` : '',
  latency: ({ checks: { latency } }) =>
    Number.isFinite(latency.spikeRatio)
      ? `average ${(1000 * latency.averageSeconds).toFixed(0)} ms, ${latency.spikeRatio.toFixed(1)} times its baseline`
      : '',
  error_rate: ({ checks: { error_rate: errors } }) => {
    const most = [...errors.byReason].sort((a, b) => b[1] - a[1])[0];
    return `${percent(errors.errorRatio)}${most === undefined ? '' : `, mostly ${most[0]}`}`;
  },
  data_quality: ({ checks: { data_quality: quality } }) => firstOf(quality.issues.map(issueText), SHOWN_ISSUES),
};

function issueText({ feature, type, share }: QualityIssue): string {
  return `${feature} ${type.replaceAll('_', ' ')} ${percent(share)}`;
}

function firstOf(all: readonly string[], count: number): string {
  const more = all.length - count;
  return `${all.slice(0, count).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}

function signed(value: number, digits = 1): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
}
