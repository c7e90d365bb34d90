import type { SequentialDrift } from '../domain/health.ts';
import { FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { FeatureColumn } from '../histogram/model-columns.ts';
import { categoryCellCount, categoryCells, MAX_CATEGORIES } from '../histogram/categories.ts';
import type { FeatureCounts } from '../histogram/counts.ts';
import { coarsen } from '../statistics/kullback-leibler.ts';
import { meanLogEValue, multinomialLogEValue } from '../statistics/sequential.ts';
import { JEFFREYS, shareScale } from '../statistics/smoothing.ts';
import type { ModelContext } from './check.ts';
import { designEffectOf } from './repetition.ts';

/** Share of streams without drift that may ever alarm. A busy model has a few streams a day. */
export const SEQUENTIAL_ALPHA = 0.001;

const cells = new Float64Array(MAX_CATEGORIES + 1);
const shares = new Float64Array(MAX_CATEGORIES + 1);

/**
 * Evidence that the features of a stream do not come from the baseline, valid however often one looks: the mean of the features'
 * e-values, which is an e-value whatever their dependence (Vovk and Wang 2021, Theorem 1 of "E-values: calibration, combination and
 * applications"). null: not asked for, or nothing to compare with.
 *
 * @param windowMs of the check: rows of a stream repeat at most as they do in stretches as long as a day
 */
export function sequentialDrift(
  { baseline, stream, columns, scheme, designEffects }: ModelContext,
  windowMs: number,
): SequentialDrift | null {
  if (baseline === null || stream === undefined) return null;
  const logs: number[] = [];
  let strongest: { readonly feature: string; readonly log: number } | null = null;
  for (const feature of columns) {
    const log = evidenceOf(
      feature,
      scheme.features[feature.column - FIRST_FEATURE_COLUMN],
      baseline.features,
      stream.features,
      Math.max(1, designEffectOf(designEffects, feature.column, windowMs) || 1),
    );
    if (log === null) continue;
    logs.push(log);
    if (strongest === null || log > strongest.log) strongest = { feature: feature.name, log };
  }
  if (strongest === null) return null;
  const logEValue = meanLogEValue(logs);
  return {
    sinceMs: stream.sinceMs,
    samples: stream.features.rows,
    logEValue,
    logEValueAlarm: Math.log(1 / SEQUENTIAL_ALPHA),
    alarm: logEValue >= Math.log(1 / SEQUENTIAL_ALPHA),
    feature: strongest.feature,
  };
}

/** null: the feature has no bins, or no value in the baseline. */
function evidenceOf(
  { column }: FeatureColumn,
  bins: ModelContext['scheme']['features'][number] | undefined,
  baseline: FeatureCounts,
  stream: FeatureCounts,
  designEffect: number,
): number | null {
  if (bins === undefined) return null;
  baseline.ensureColumns(column + 1);
  stream.ensureColumns(column + 1);
  const into = (counts: FeatureCounts, out: Float64Array): number => {
    if (bins.kind === 'categorical') {
      categoryCells(bins, counts.column(column), out);
      return categoryCellCount(bins);
    }
    coarsen(counts.column(column), bins.deciles, bins.coarseCells, out);
    return bins.coarseCells;
  };
  const count = into(baseline, shares);
  const scale = shareScale(shares, count, JEFFREYS);
  if (Number.isNaN(scale)) return null;
  for (let k = 0; k < count; k++) shares[k] = (shares[k]! + JEFFREYS) * scale;
  into(stream, cells);
  // A likelihood to the power of 1 / d: an e-value still, and with d rows that say the same their common likelihood once.
  for (let k = 0; k < count; k++) cells[k] = cells[k]! / designEffect;
  return multinomialLogEValue(shares, cells, count);
}
