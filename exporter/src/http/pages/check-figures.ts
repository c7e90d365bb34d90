import type { FeatureDrift, Repetition, SequentialDrift } from '../../domain/health.ts';
import type { ModelReport } from '../../domain/model-report.ts';
import type { CheckName } from '../../domain/settings.ts';
import { escapeHtml } from './page.ts';

/** Name, value now, value in the baseline; '' where there is none. */
export type Figure = readonly [name: string, now: string, baseline: string];

const SHOWN_ISSUES = 8;

/** The figures that a check rests on, for people. What cannot be computed is left out. */
export function checkFigures(report: ModelReport, check: CheckName): readonly Figure[] {
  return FIGURES[check](report).filter(([, now]) => now !== '');
}

/** As a table; without a column for the baseline where it has none of the figures. '' without figures. */
export function figuresTable(figures: readonly Figure[], when: string): string {
  if (figures.length === 0) return '';
  const compared = figures.some(([, , was]) => was !== '');
  const rows = figures.map(
    ([name, value, was]) =>
      `<tr><th scope="row">${escapeHtml(name)}</th><td class="number">${escapeHtml(value)}</td>${compared ? `<td class="number soft">${escapeHtml(was)}</td>` : ''}</tr>`,
  );
  return `<table><thead><tr><th scope="col">Figure</th><th scope="col" class="number">${when}</th>${compared ? '<th scope="col" class="number">baseline</th>' : ''}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

const FIGURES: Readonly<Record<CheckName, (report: ModelReport) => readonly Figure[]>> = {
  performance: ({ task, checks: { performance } }) => {
    const { figures, baseline, labelCoverage } = performance;
    const coverage: Figure = ['Label coverage', percent(labelCoverage), ''];
    if (task === 'regression')
      return [
        ['Mean absolute error', number(figures.meanAbsoluteError), number(baseline.meanAbsoluteError)],
        ['Root mean squared error', number(figures.rootMeanSquaredError), number(baseline.rootMeanSquaredError)],
        ['R²', number(figures.r2), number(baseline.r2)],
        ['Bias', number(figures.bias), number(baseline.bias)],
        coverage,
      ];
    return [
      ['Accuracy', percent(figures.accuracy), percent(baseline.accuracy)],
      ['Precision', percent(figures.precision), percent(baseline.precision)],
      ['Recall', percent(figures.recall), percent(baseline.recall)],
      ['F1', number(figures.f1), number(baseline.f1)],
      ['ROC AUC', number(figures.rocAuc), number(baseline.rocAuc)],
      ['Brier score', number(figures.brierScore), number(baseline.brierScore)],
      ['Calibration gap', number(figures.calibrationGap), number(baseline.calibrationGap)],
      coverage,
    ];
  },
  data_drift: ({ checks: { data_drift: drift } }) => {
    const count = (verdict: string) => String(drift.features.filter((feature) => feature.verdict === verdict).length);
    return [
      ['Features compared', String(drift.features.length), ''],
      ['Drifted significantly', count('significant'), ''],
      ['Drifted moderately', count('moderate'), ''],
      ...repetition(mostRepetitive(drift.features)),
      ...(drift.sequential === null ? [] : sequential(drift.sequential)),
    ];
  },
  prediction_drift: ({ checks: { prediction_drift: drift } }) => [
    ['KL divergence, nats', number(drift.klDivergence), ''],
    ['PSI', number(drift.psi), ''],
    ['KS statistic', number(drift.ksStatistic), ''],
    ['p value', drift.pValue < 0.001 ? '< 0.001' : number(drift.pValue), ''],
    ['Mean shift', number(drift.meanShift), ''],
    ...repetition(drift.repetition),
  ],
  latency: ({ checks: { latency } }) => [
    ['Average', milliseconds(latency.averageSeconds), milliseconds(latency.baselineAverageSeconds)],
    ['p50', milliseconds(latency.p50Seconds), ''],
    ['p95', milliseconds(latency.p95Seconds), ''],
    ['p99', milliseconds(latency.p99Seconds), ''],
    ['Greatest', milliseconds(latency.maxSeconds), ''],
  ],
  error_rate: ({ checks: { error_rate: errors } }) => [
    ['Errors', percent(errors.errorRatio), ''],
    ...[...errors.byReason]
      .sort((a, b) => b[1] - a[1])
      .map(([reason, count]): Figure => [reason, count.toLocaleString('en'), '']),
  ],
  data_quality: ({ checks: { data_quality: quality } }) =>
    quality.issues
      .slice(0, SHOWN_ISSUES)
      .map(({ feature, type, share, baselineShare }): Figure => [
        `${feature}: ${type.replaceAll('_', ' ')}`,
        percent(share),
        percent(baselineShare),
      ]),
};

/** Where rows repeat: what they are worth, and how large a change must be. */
function repetition(of: Repetition | undefined): Figure[] {
  if (of === undefined || !(of.designEffect > 1)) return [];
  return [
    ['Design effect', number(of.designEffect), ''],
    ['Independent rows', Math.floor(of.effectiveSamples).toLocaleString('en'), ''],
    ['Noise floor, KS', number(of.ksNoiseFloor), ''],
    ['Noise floor, KL', number(of.klNoiseFloor), ''],
  ];
}

function mostRepetitive(features: readonly FeatureDrift[]): Repetition | undefined {
  return features
    .map((feature) => feature.repetition)
    .filter(({ designEffect }) => designEffect > 1)
    .sort((a, b) => b.designEffect - a.designEffect)[0];
}

function sequential({ sinceMs, samples, logEValue, logEValueAlarm, feature }: SequentialDrift): Figure[] {
  const power = (log: number) => `10^${(log / Math.LN10).toFixed(1)}`;
  return [
    [`E-value since ${new Date(sinceMs).toISOString().slice(11, 16)} UTC`, power(logEValue), ''],
    ['E-value of an alarm', power(logEValueAlarm), ''],
    ['Predictions since then', samples.toLocaleString('en'), ''],
    ['Strongest evidence', feature, ''],
  ];
}

function percent(ratio: number): string {
  return Number.isFinite(ratio) ? `${(100 * ratio).toFixed(1)} %` : '';
}

function milliseconds(seconds: number): string {
  return Number.isFinite(seconds) ? `${Number((1000 * seconds).toPrecision(3))} ms` : '';
}

function number(value: number): string {
  if (!Number.isFinite(value)) return '';
  return value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(4)));
}
