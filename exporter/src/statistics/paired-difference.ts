/** Mean of paired differences with its 95 % interval; all NaN for fewer than two pairs. */
export interface PairedDifference {
  readonly pairs: number;
  readonly mean: number;
  readonly lower: number;
  readonly upper: number;
}

const Z_95 = 1.959963984540054;

/**
 * Interval of the mean difference of two measurements of the same things. Normal, not t: at 500 pairs it is .2 % narrower, and fewer
 * decide nothing here. Differences must be independent; rows of one hour often are not quite, which makes the interval somewhat narrow.
 * Reference: Nadeau, Bengio (2003), Machine Learning 52, on comparing models on one test set.
 *
 * @param a first measurement of each pair
 * @param b second one, same length
 * @throws RangeError when the lengths differ
 *
 * Example: [1, 2, 3, 4] against [0, 2, 2, 2] -> mean 1, from .2 to 1.8.
 */
export function pairedDifference(a: ArrayLike<number>, b: ArrayLike<number>): PairedDifference {
  const n = a.length;
  if (b.length !== n) throw new RangeError('a pair has two values');
  if (n < 2) return { pairs: n, mean: NaN, lower: NaN, upper: NaN };
  // Welford: sums of squares of nearly equal numbers would cancel.
  let mean = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const difference = a[i]! - b[i]!;
    const from = difference - mean;
    mean += from / (i + 1);
    squares += from * (difference - mean);
  }
  const half = Z_95 * Math.sqrt(squares / (n - 1) / n);
  return { pairs: n, mean, lower: mean - half, upper: mean + half };
}

/**
 * 95 % interval of the difference of two means of independent samples, a minus b, from their moments (Welch's standard error, normal).
 *
 * @returns NaN ends unless both have two values or more
 */
export function meanDifference(
  a: { readonly n: number; readonly mean: number; readonly variance: number },
  b: { readonly n: number; readonly mean: number; readonly variance: number },
): PairedDifference {
  if (a.n < 2 || b.n < 2) return { pairs: 0, mean: NaN, lower: NaN, upper: NaN };
  const mean = a.mean - b.mean;
  const half = Z_95 * Math.sqrt(a.variance / a.n + b.variance / b.n);
  return { pairs: Math.min(a.n, b.n), mean, lower: mean - half, upper: mean + half };
}
