/** Bin code of a present value that the dictionary does not hold: unseen, or beyond the cap. */
export const OTHER = 250;
export const MAX_CATEGORIES = 200;

/** Dictionary of a categorical feature. Code of a value = its position; `OTHER` for every value that is not in it. */
export interface CategoryBins {
  readonly kind: 'categorical';
  /** At most MAX_CATEGORIES, by falling frequency in the baseline. */
  readonly categories: readonly string[];
  readonly index: ReadonlyMap<string, number>;
  /** False: there is no baseline yet, and every present value has code 0. */
  readonly frozen: boolean;
}

/** Dictionary of given categories, in their order (how a stored scheme is read back). */
export function categoryBins(categories: readonly string[]): CategoryBins {
  if (categories.length > MAX_CATEGORIES) {
    throw new RangeError(`${categories.length} categories, at most ${MAX_CATEGORIES} fit a dictionary`);
  }
  return {
    kind: 'categorical',
    categories,
    index: new Map(categories.map((name, code) => [name, code])),
    frozen: true,
  };
}

/**
 * Dictionary of a baseline: its most frequent categories; ties by name, so that the same baseline always gives the same codes.
 *
 * @param counts rows by category; categories without rows are left out
 * @param cap at most this many, 1..MAX_CATEGORIES
 */
export function buildCategoryBins(counts: ReadonlyMap<string, number>, cap: number = MAX_CATEGORIES): CategoryBins {
  const present = [...counts].filter(([, count]) => count > 0);
  present.sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));
  return categoryBins(present.slice(0, Math.min(cap, MAX_CATEGORIES)).map(([name]) => name));
}

/** Before there is a baseline: present values are counted, not told apart. */
export function anyCategory(): CategoryBins {
  return { kind: 'categorical', categories: [], index: new Map(), frozen: false };
}

export function categoryCode(bins: CategoryBins, value: string): number {
  return bins.frozen ? (bins.index.get(value) ?? OTHER) : 0;
}

/** Cells of KL divergence and chi-square: the categories and OTHER (missing values are not a cell). */
export function categoryCellCount(bins: CategoryBins): number {
  return bins.categories.length + 1;
}

/**
 * Counts by cell out of counts by code: out[0..K-2] the categories, out[K-1] OTHER.
 *
 * @param out at least categoryCellCount(bins) long; returned
 */
export function categoryCells(bins: CategoryBins, counts: ArrayLike<number>, out: Float64Array): Float64Array {
  const categories = bins.categories.length;
  for (let code = 0; code < categories; code++) out[code] = counts[code]!;
  out[categories] = counts[OTHER]!;
  return out;
}
