import { MISSING } from './bin-scheme.ts';
import { OTHER } from './categories.ts';
import type { ColumnBins } from './model-columns.ts';

/** Code of what is no value of a feature and so in no cell: missing, of the wrong type, not finite, absent. */
export const NO_CELL = 255;
const OTHER_NAME = '__other__';

/**
 * The coarse cells of a feature, which KL divergence, PSI and Jensen-Shannon distance are computed on: the baseline's deciles, or the
 * categories and, last, all others.
 */
export interface Cell {
  /** Unique within the feature: the upper bound as Prometheus writes `le`, or the category. */
  readonly name: string;
  /** (lower, upper], -Infinity and Infinity at the ends; NaN for a category. */
  readonly lower: number;
  readonly upper: number;
}

/** In the order of their numbers. Example: edges [1, 2] that each end a cell -> `1`, `2`, `+Inf`. */
export function cellsOf(bins: ColumnBins): Cell[] {
  if (bins.kind === 'categorical')
    return [...bins.categories, uniqueName(OTHER_NAME, bins.index)].map((name) => ({ name, lower: NaN, upper: NaN }));
  const uppers: number[] = [];
  bins.deciles.forEach((cell, bin) => (uppers[cell] = bins.edges[bin] ?? Infinity));
  return uppers.map((upper, cell) => ({
    name: upper === Infinity ? '+Inf' : String(upper),
    lower: cell === 0 ? -Infinity : uppers[cell - 1]!,
    upper,
  }));
}

/** Number of the cell that a code counts in; NO_CELL for codes that stand for no value. */
export function cellOfCode(bins: ColumnBins, code: number): number {
  if (bins.kind === 'numeric') return code < MISSING ? (bins.deciles[code] ?? NO_CELL) : NO_CELL;
  if (code === OTHER) return bins.categories.length;
  return code < bins.categories.length ? code : NO_CELL;
}

/** A category may be called as the rest is. */
function uniqueName(name: string, taken: ReadonlyMap<string, number>): string {
  return taken.has(name) ? uniqueName(`_${name}`, taken) : name;
}
