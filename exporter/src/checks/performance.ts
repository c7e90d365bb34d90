import type { PerformanceOutcome } from '../domain/health.ts';
import type { PerformanceCounts } from '../histogram/performance-counts.ts';
import { twoProportionPValue, welchPValue } from '../statistics/hypothesis.ts';
import type { Check, ModelBaseline, ModelContext, ModelCounts } from './check.ts';
import { estimateOf } from './estimated-performance.ts';
import { INSUFFICIENT, SIGNIFICANT_P, stateOf } from './gate.ts';
import { NO_FIGURES, performanceFigures } from './performance-figures.ts';
import { ramp, worse } from './ramp.ts';

/**
 * Labelled predictions of the window against those of the baseline: accuracy (a regression: the relative rise of the mean absolute error)
 * and, for binary scores, the calibration gap.
 */
export const performance: Check<PerformanceOutcome> = {
  name: 'performance',
  needs: ['performance', 'features'],
  evaluate(context: ModelContext, window: ModelCounts, windowMs: number): PerformanceOutcome {
    const figures = performanceFigures(window.performance, context);
    const baseline = context.baseline === null ? NO_FIGURES : performanceFigures(context.baseline.performance, context);
    const labelCoverage = window.features.rows === 0 ? NaN : window.performance.labelled / window.features.rows;
    const drop = dropOf(figures, baseline, context);
    const calibrationGapChange = Math.abs(figures.calibrationGap - baseline.calibrationGap);
    const { report, labels } = context.settings.minimumSamples;
    const needed = { rows: report, labels: Math.min(report, labels) };
    const common = {
      windowMs,
      samples: figures.samples,
      figures,
      baseline,
      drop,
      calibrationGapChange,
      labelCoverage,
      estimate: estimateOf(context, window, figures, needed),
    };
    const lacking = lackingData(context, figures.samples, baseline.samples, labelCoverage) ?? noError(context, window);
    if (lacking !== null || context.baseline === null)
      return { ...common, ...INSUFFICIENT, reason: lacking, dropPValue: NaN, calibrationPValue: NaN };
    const { accuracyDrop, calibrationGap } = context.settings.thresholds;
    const dropPValue = pValueOfDrop(context, window.performance, context.baseline);
    const calibrationPValue = pValueOfGap(window.performance, context.baseline.performance);
    const dropped = dropPValue < SIGNIFICANT_P;
    const shifted = calibrationPValue < SIGNIFICANT_P;
    const finding = {
      alert: (drop > accuracyDrop && dropped) || (calibrationGapChange > calibrationGap && shifted),
      warning: (drop > accuracyDrop / 2 && dropped) || (calibrationGapChange > calibrationGap / 2 && shifted),
      samples: figures.samples,
    };
    return {
      ...common,
      state: stateOf(finding, context.settings.minimumSamples.labels),
      score: worse(ramp(drop, accuracyDrop), ramp(calibrationGapChange, calibrationGap)),
      reason: null,
      dropPValue,
      calibrationPValue,
    };
  },
};

function dropOf(
  figures: PerformanceOutcome['figures'],
  baseline: PerformanceOutcome['figures'],
  { task }: ModelContext,
): number {
  if (task !== 'regression') return baseline.accuracy - figures.accuracy;
  return baseline.meanAbsoluteError > 0 ? figures.meanAbsoluteError / baseline.meanAbsoluteError - 1 : NaN;
}

function lackingData(
  { task, baseline, settings }: ModelContext,
  samples: number,
  baselineSamples: number,
  coverage: number,
): string | null {
  const { report, labels } = settings.minimumSamples;
  const needed = Math.min(report, labels);
  if (task === 'unknown') return 'the task of the model is not known yet';
  if (samples < needed) return `${samples} labelled predictions in the window, ${needed} are needed`;
  if (coverage < settings.minimumLabelCoverage)
    return `${(100 * coverage).toFixed(1)} % of the window's predictions have labels, ${(100 * settings.minimumLabelCoverage).toFixed(1)} % are needed`;
  if (baseline === null) return 'there is no baseline yet';
  return baselineSamples < needed ? `the baseline has ${baselineSamples} labelled rows, ${needed} are needed` : null;
}

/**
 * Why the mean error of a regression cannot be compared, where all else is there; null: it can. A sum that overflowed a double stays so,
 * or becomes NaN, once the row that did it was erased or its label corrected; the sum of squares is the first that does.
 */
function noError({ task, baseline }: ModelContext, window: ModelCounts): string | null {
  if (task !== 'regression' || baseline === null) return null;
  if (!Number.isFinite(window.performance.squaredErrorSum)) return 'errors in the window were too large to be summed';
  if (!Number.isFinite(baseline.performance.squaredErrorSum))
    return 'errors in the baseline were too large to be summed';
  // Nothing rises relative to 0.
  return baseline.performance.absoluteErrorSum > 0 ? null : 'the baseline has no error to compare with';
}

function pValueOfDrop({ task }: ModelContext, window: PerformanceCounts, baseline: ModelBaseline): number {
  if (task === 'regression') return welchPValue(absoluteErrors(window), absoluteErrors(baseline.performance));
  const now = wrong(window);
  const then = wrong(baseline.performance);
  return twoProportionPValue(now.wrong, now.all, then.wrong, then.all);
}

/** Mean and variance of score - outcome: its mean is the gap, its mean square the Brier score. */
function pValueOfGap(window: PerformanceCounts, baseline: PerformanceCounts): number {
  const now = residuals(window);
  const then = residuals(baseline);
  return now.mean >= then.mean ? welchPValue(now, then) : welchPValue(then, now);
}

function residuals({ scored, scoreSum, positives, brierSum }: PerformanceCounts): {
  n: number;
  mean: number;
  variance: number;
} {
  return summary(scored, scoreSum - positives, brierSum);
}

function absoluteErrors({ numeric, absoluteErrorSum, squaredErrorSum }: PerformanceCounts): {
  n: number;
  mean: number;
  variance: number;
} {
  return summary(numeric, absoluteErrorSum, squaredErrorSum);
}

function summary(n: number, sum: number, squareSum: number): { n: number; mean: number; variance: number } {
  const mean = sum / n;
  return { n, mean, variance: Math.max(0, squareSum / n - mean * mean) * (n / (n - 1)) };
}

function wrong({ confusion }: PerformanceCounts): { readonly wrong: number; readonly all: number } {
  let bad = 0;
  let all = 0;
  for (const [cell, count] of confusion) {
    all += count;
    if (cell >>> 8 !== (cell & 255)) bad += count;
  }
  return { wrong: bad, all };
}
