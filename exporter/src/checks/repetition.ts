import type { DesignEffects } from '../domain/baseline.ts';
import type { Repetition } from '../domain/health.ts';
import { chi2Quantile } from '../statistics/chi-square.ts';
import type { ColumnDrift } from './feature-drift.ts';

/**
 * What repetition alone may do is what it does at one look in ten thousand, over all comparisons that are made together. The least effect
 * of the defaults (0.1) at their least samples (500) is as rare: p = 2 exp(-2 * 500 * 0.1^2). So rows that repeat raise as few
 * alarms as independent ones may.
 */
const RARE = 1e-4;
/** Fewer independent values make no distribution, and the approximation of p is good from so many on. */
const MIN_INDEPENDENT = 20;

export const UNKNOWN_REPETITION: Repetition = {
  designEffect: NaN,
  effectiveSamples: NaN,
  ksNoiseFloor: 0,
  klNoiseFloor: 0,
};

/**
 * Design effect of a column over a window: that of the shortest stretches of the baseline that are as long, else of the longest. The
 * longer a stretch, the more rows repeat in it. NaN: not known.
 *
 * @param known ascending by length; undefined or empty: nothing
 */
export function designEffectOf(known: readonly DesignEffects[] = [], column: number, windowMs: number): number {
  if (known.length === 0) return NaN;
  const stretch = known.find((one) => one.windowMs >= windowMs) ?? known.at(-1);
  return stretch?.byColumn[column] ?? NaN;
}

/**
 * With the variance designEffect / e, e = nm / (n + m), go Kolmogorov's distribution by its root, KL divergence with the chi-square of the
 * cells, and so the bound on the total variation distance (Cauchy-Schwarz).
 *
 * @param comparisons made together
 */
export function repetitionOf(drift: ColumnDrift, comparisons: number): Repetition {
  const { samples, baselineSamples, designEffect, cells } = drift;
  if (Number.isNaN(designEffect)) return UNKNOWN_REPETITION;
  const known = { designEffect, effectiveSamples: samples / designEffect };
  if (!(designEffect > 1) || cells < 2) return { ...known, ksNoiseFloor: 0, klNoiseFloor: 0 };
  const variance = designEffect * (1 / samples + 1 / baselineSamples);
  const rare = RARE / Math.max(1, comparisons);
  const chiSquare = chi2Quantile(1 - rare, cells - 1);
  const byRank = Number.isNaN(drift.cramersV);
  return {
    ...known,
    ksNoiseFloor: Math.min(1, Math.sqrt(variance * (byRank ? Math.log(2 / rare) / 2 : chiSquare / 4))),
    klNoiseFloor: (variance * chiSquare) / 2,
  };
}

/** null: enough. Rows that repeat so much that there is nothing to judge by say why. */
export function tooRepetitive({ samples, designEffect }: Pick<ColumnDrift, 'samples' | 'designEffect'>): string | null {
  if (!(designEffect > 1) || samples / designEffect >= MIN_INDEPENDENT) return null;
  return `${samples} predictions repeat themselves so much that they say no more than ${Math.floor(samples / designEffect)} independent ones, ${MIN_INDEPENDENT} are needed`;
}
