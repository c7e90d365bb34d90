import type { PerformanceEstimate, PerformanceFigures } from '../domain/health.ts';
import { MISSING, nextDown } from '../histogram/bin-scheme.ts';
import { CLASS_COLUMN, SCORE_COLUMN } from '../histogram/model-columns.ts';
import type { FeatureCounts } from '../histogram/counts.ts';
import type { PerformanceCounts } from '../histogram/performance-counts.ts';
import { estimatePerformance, isotonicRates } from '../statistics/calibration.ts';
import { hanleyMcNeilSe } from '../statistics/roc.ts';
import type { ModelContext, ModelCounts } from './check.ts';

/** Predictions by score bin: those with the decision that the rates speak of, and the others. */
interface Decided {
  readonly yes: Float64Array;
  readonly no: Float64Array;
}

/**
 * What the performance of all predictions of the window is expected to be, by the calibration of the labelled baseline. Of several
 * classes: by how often the class with the top score was right.
 *
 * @param figures of the labelled predictions of the window: what came true, to measure the estimate by
 * @param needed rows below which nothing is said, of the window and of the labelled ones on either side
 * @returns null where it is not defined
 */
export function estimateOf(
  context: ModelContext,
  window: ModelCounts,
  figures: PerformanceFigures,
  needed: { readonly rows: number; readonly labels: number },
): PerformanceEstimate | null {
  const { task, baseline, scheme } = context;
  if (baseline === null || (task !== 'binary' && task !== 'multiclass')) return null;
  const labelled = task === 'binary' ? baseline.performance.scores : baseline.performance.decisions;
  // Most baselines have no labels, and a sweep asks all of them.
  if (labelled.size === 0) return null;
  const bins = scheme.score.edges.length + 1;
  const learnt = split(labelled, bins);
  const totals = learnt.yes.map((count, i) => count + learnt.no[i]!);
  if (sum(totals) < needed.labels) return null;
  const rates = isotonicRates(learnt.yes, totals, bins, new Float64Array(bins));
  const decided = task === 'binary' ? decidedOf(context, window.features, bins) : ofTopScore(window.features, bins);
  if (decided === null) return null;
  const samples = sum(decided.yes) + sum(decided.no);
  if (samples < needed.rows) return null;
  const expected = estimatePerformance(rates, decided.yes, decided.no, bins);
  const positives = expected.truePositives + expected.falseNegatives;
  const rocAuc = task === 'binary' ? expected.rocAuc : NaN;
  return {
    samples,
    accuracy: expected.accuracy,
    accuracyStandardError: expected.accuracyStandardError,
    rocAuc,
    rocAucStandardError: hanleyMcNeilSe(rocAuc, positives, samples - positives),
    ...measured(task, rates, window.performance, figures, needed.labels, bins),
  };
}

type Measured = Pick<PerformanceEstimate, 'accuracyError' | 'rocAucError' | 'labelledSamples'>;

/** The same estimate of the labelled predictions only, against what came true of them. */
function measured(
  task: 'binary' | 'multiclass',
  rates: Float64Array,
  labelled: PerformanceCounts,
  figures: PerformanceFigures,
  needed: number,
  bins: number,
): Measured {
  const known = decisions(labelled, bins);
  const labelledSamples = sum(known.yes) + sum(known.no);
  if (labelledSamples < needed) return { accuracyError: NaN, rocAucError: NaN, labelledSamples };
  if (task === 'binary') {
    const { accuracy, rocAuc } = estimatePerformance(rates, known.yes, known.no, bins);
    return { accuracyError: accuracy - figures.accuracy, rocAucError: rocAuc - figures.rocAuc, labelledSamples };
  }
  const all = known.yes.map((count, i) => count + known.no[i]!);
  const { accuracy } = estimatePerformance(rates, all, new Float64Array(bins), bins);
  return { accuracyError: accuracy - sum(known.yes) / labelledSamples, rocAucError: NaN, labelledSamples };
}

function decisions({ decisions: counts }: PerformanceCounts, bins: number): Decided {
  return split(counts, bins);
}

function split(counts: ReadonlyMap<number, number>, bins: number): Decided {
  const yes = new Float64Array(bins);
  const no = new Float64Array(bins);
  for (const [cell, count] of counts) ((cell & 1) === 1 ? yes : no)[cell >>> 1] = count;
  return { yes, no };
}

function ofTopScore(features: FeatureCounts, bins: number): Decided {
  return { yes: Float64Array.from(features.column(SCORE_COLUMN).subarray(0, bins)), no: new Float64Array(bins) };
}

/**
 * All predictions of a binary model with a score. One without classes means the positive class from one half on, which is an edge of its
 * bins; of one that names the class of some of its predictions only (null), it is not known which these are.
 */
function decidedOf({ scheme }: ModelContext, features: FeatureCounts, bins: number): Decided | null {
  const scored = Float64Array.from(features.column(SCORE_COLUMN).subarray(0, bins));
  const classes = sum(features.column(CLASS_COLUMN).subarray(0, MISSING));
  const yes = Float64Array.from(features.positives.subarray(0, bins));
  const belowHalf = nextDown(0.5);
  if (classes === 0)
    for (let bin = 1; bin < bins; bin++) yes[bin] = scheme.score.edges[bin - 1]! >= belowHalf ? scored[bin]! : 0;
  else if (classes < sum(scored)) return null;
  return { yes, no: scored.map((count, bin) => count - yes[bin]!) };
}

function sum(counts: Iterable<number>): number {
  let all = 0;
  for (const count of counts) all += count;
  return all;
}
