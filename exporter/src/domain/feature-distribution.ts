import type { BaselineKind } from './health.ts';

/** One feature over a window beside its baseline, bin by bin, for drawing. */
export interface FeatureDistribution {
  readonly model: string;
  readonly version: string;
  readonly feature: string;
  readonly kind: 'numeric' | 'categorical';
  readonly windowMs: number;
  readonly windowEndMs: number;
  /** Bins of different schemes cannot be compared. */
  readonly schemeId: number;
  readonly baselineKind: BaselineKind;
  readonly baseline: DistributionTotals;
  readonly current: DistributionTotals;
  /** What KL divergence, PSI and Jensen-Shannon distance are computed on: deciles of the baseline, or categories and all others. */
  readonly cells: readonly DistributionBin[];
  /** The finest that is known, for a numeric feature; empty for a categorical one. */
  readonly bins: readonly DistributionBin[];
}

/** Rows: those with a value that is counted in a bin, and the others by what they lack. */
export interface DistributionTotals {
  readonly values: number;
  readonly missing: number;
  readonly typeErrors: number;
  readonly notFinite: number;
}

/** Rows of the baseline and of the window in (lower, upper], or of one category. */
export interface DistributionBin {
  /** Upper bound (`+Inf` for the last), or category; the `bin` label of the metrics. */
  readonly name: string;
  /** -Infinity and Infinity for open bins; NaN for a category. */
  readonly lower: number;
  readonly upper: number;
  readonly baseline: number;
  readonly current: number;
}
