import type { FeatureTotals, HistogramTotals, ModelTotals } from '../domain/model-report.ts';
import {
  CLASSIC_BOUND_CODES,
  CLASSIC_BOUNDS_SECONDS,
  cumulativeCounts,
  LATENCY_CODES,
} from '../histogram/latency-buckets.ts';
import type { FeatureColumn } from '../histogram/model-columns.ts';
import type { StatisticsTotals } from '../histogram/totals.ts';

/** Names of what the totals count by code. */
export interface TotalsNames {
  readonly classes: readonly string[];
  readonly errorReasons: readonly string[];
  readonly features: readonly FeatureColumn[];
}

export const OTHER_NAME = '__other__';

/** Label delays are counted in minutes (see delayCode): these bounds are powers of two minutes, from 15 s to 45 days. */
const DELAY_BOUNDS_MINUTES = [0.25, 1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536];

/**
 * Totals under their names, as the exposition publishes them.
 *
 * @param bins of them, see feature-distribution
 */
export function modelTotals(
  totals: StatisticsTotals,
  unmatched: number,
  names: TotalsNames,
  bins: ModelTotals['bins'] = [],
): ModelTotals {
  const className = (code: number) => names.classes[code] ?? OTHER_NAME;
  return {
    predictions: totals.traffic.rows,
    errorsByReason: renamed(totals.traffic.errors, (code) => names.errorReasons[code - 1] ?? OTHER_NAME),
    predictedClasses: renamed(totals.classes, className),
    latency: latencyTotals(totals.traffic.latency, totals.traffic.latencyRows, totals.traffic.latencySum),
    labels: totals.labels,
    labelsUnmatched: unmatched,
    labelDelay: delayTotals(totals.delays, totals.delaySum),
    confusion: [...totals.confusion].map(([cell, count]) => ({
      predicted: className(cell >>> 8),
      actual: className(cell & 255),
      count,
    })),
    features: names.features.map((feature, position): FeatureTotals => {
      const { values, missing, typeErrors, outOfRange, unseenCategories, outliers } = totals.ofFeature(position);
      const { name, kind } = feature;
      return { feature: name, kind, values, missing, typeErrors, outOfRange, unseenCategories, outliers };
    }),
    bins,
    lastPredictionMs: totals.lastPredictionMs,
    lastLabelMs: totals.lastLabelMs,
  };
}

function renamed(counts: Iterable<readonly [number, number]>, nameOf: (code: number) => string): Map<string, number> {
  const named = new Map<string, number>();
  for (const [code, count] of counts) named.set(nameOf(code), (named.get(nameOf(code)) ?? 0) + count);
  return named;
}

function latencyTotals(
  counts: Iterable<readonly [number, number]>,
  count: number,
  sumSeconds: number,
): HistogramTotals {
  return {
    upperBoundsSeconds: CLASSIC_BOUNDS_SECONDS,
    cumulative: cumulativeCounts(counts, CLASSIC_BOUND_CODES),
    count,
    sumSeconds,
  };
}

function delayTotals(delays: ReadonlyMap<number, number>, sumSeconds: number): HistogramTotals {
  let count = 0;
  for (const of of delays.values()) count += of;
  return {
    upperBoundsSeconds: DELAY_BOUNDS_SECONDS,
    cumulative: cumulativeCounts(delays, DELAY_BOUND_CODES),
    count,
    sumSeconds,
  };
}

/**
 * Code whose bucket ends at `minutes`, a power of two: 32 buckets an octave from 2^-16 (latency-buckets). At 2^16 minutes it is the last
 * code that has an end: the one after it takes all that is longer, and delays of months are not to count as 45 days.
 */
function delayBoundCode(minutes: number): number {
  return Math.min(LATENCY_CODES - 2, Math.round((Math.log2(minutes) + 16) * 32));
}

const DELAY_BOUNDS_SECONDS = DELAY_BOUNDS_MINUTES.map((minutes) => minutes * 60);
const DELAY_BOUND_CODES = DELAY_BOUNDS_MINUTES.map(delayBoundCode);
