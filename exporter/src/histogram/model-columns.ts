import type { CategoryBins } from './categories.ts';
import type { NumericBins } from './bin-scheme.ts';

/** Columns of every model version before its features: what prediction drift and confidence are computed from. */
export const SCORE_COLUMN = 0;
export const CLASS_COLUMN = 1;
export const FIRST_FEATURE_COLUMN = 2;

/** Code of a feature that was not registered yet when the row was stored: neither a value nor missing. */
export const ABSENT = 255;

export type FeatureKind = 'numeric' | 'categorical';

/** One feature of a model version. Features are only ever appended, so `column` never changes its meaning. */
export interface FeatureColumn {
  readonly name: string;
  readonly kind: FeatureKind;
  /** Position in the stored num[] or cat[] array. */
  readonly position: number;
  /** FIRST_FEATURE_COLUMN + order of registration. */
  readonly column: number;
}

export type ColumnBins = NumericBins | CategoryBins;

/** How the values of one model version become bin codes. Counts of different schemes are never merged. */
export interface BinScheme {
  /** Row id in bin_schemes. */
  readonly id: number;
  readonly score: NumericBins;
  /** By `column - FIRST_FEATURE_COLUMN`; features registered after the scheme was made have none and are counted unbinned. */
  readonly features: readonly ColumnBins[];
  /** By feature like `features`: the Tukey fences [Q1 - 3 IQR, Q3 + 3 IQR] of the baseline, which are edges of the bins; null without. */
  readonly outlierFences: readonly (readonly [number, number] | null)[];
}
