import type { WeeklyReport } from '../weekly-report-shape.ts';
import type { CheckName } from '../../domain/settings.ts';
import type { Figure } from './check-figures.ts';

type Check = Readonly<Record<string, unknown>>;

/** The figures of a stored report that a check rests on, for people. What is not known is left out. */
export function weeklyFigures({ checks, task }: WeeklyReport, check: CheckName): readonly Figure[] {
  const of = checks[check];
  return of === undefined ? [] : FIGURES[check](of, task).filter(([, now]) => now !== '');
}

const FIGURES: Readonly<Record<CheckName, (of: Check, task: string) => readonly Figure[]>> = {
  performance: (of, task) => [
    ...(task === 'regression'
      ? ([
          ['Mean absolute error', number(of.recent_mae), number(of.baseline_mae)],
          ['R²', number(of.r2), ''],
        ] as const)
      : ([
          ['Accuracy', percent(of.recent_accuracy), percent(of.baseline_accuracy)],
          ['95 % interval', interval(of.accuracy_interval), ''],
          ['F1', number(of.f1), ''],
          ['ROC AUC', number(of.auc), ''],
          ['Calibration gap', number(of.calibration_gap), number(of.baseline_calibration_gap)],
        ] as const)),
    ['Label coverage', percent(of.label_coverage), ''],
  ],
  data_drift: (of) => {
    const drifted = (of.drifted_features ?? []) as readonly Check[];
    const count = (verdict: string) => String(drifted.filter((feature) => feature.verdict === verdict).length);
    return [
      ['Drifted significantly', count('significant'), ''],
      ['Drifted moderately', count('moderate'), ''],
    ];
  },
  prediction_drift: (of) => [
    ['KS statistic', number(of.ks_statistic), ''],
    ['p value', typeof of.p_value === 'number' && of.p_value < 0.001 ? '< 0.001' : number(of.p_value), ''],
    ['Mean shift', number(of.mean_shift), ''],
  ],
  latency: (of) => [
    ['Average', milliseconds(of.avg_latency_ms), milliseconds(of.baseline_avg_latency_ms)],
    ['p95', milliseconds(of.p95_latency_ms), ''],
    ['p99', milliseconds(of.p99_latency_ms), ''],
  ],
  error_rate: (of) => [
    ['Errors', percent(of.error_rate), ''],
    ...Object.entries((of.error_types ?? {}) as Record<string, number>)
      .sort((a, b) => b[1] - a[1])
      .slice(0, 4)
      .map(([type, count]): Figure => [type, count.toLocaleString('en'), '']),
  ],
  data_quality: (of) =>
    ((of.quality_issues ?? []) as readonly Check[])
      .slice(0, 6)
      .map(({ feature, type, percentage, baseline_percentage: was }): Figure => [
        `${String(feature)}: ${String(type).replaceAll('_', ' ')}`,
        percent(Number(percentage) / 100),
        percent(Number(was) / 100),
      ]),
};

export function percent(ratio: unknown): string {
  return typeof ratio === 'number' ? `${(100 * ratio).toFixed(1)} %` : '';
}

export function number(value: unknown): string {
  if (typeof value !== 'number') return '';
  return value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

function milliseconds(value: unknown): string {
  return typeof value === 'number' ? `${Number(value.toPrecision(3))} ms` : '';
}

function interval(ends: unknown): string {
  const [lower, upper] = Array.isArray(ends) ? (ends as unknown[]) : [];
  return typeof lower === 'number' && typeof upper === 'number' ? `${percent(lower)} to ${percent(upper)}` : '';
}
