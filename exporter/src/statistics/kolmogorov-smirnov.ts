import { total } from './smoothing.ts';

/**
 * Two-sample Kolmogorov-Smirnov test from counts alone.
 *
 * Assumes independent values; in the p-value, of a continuous distribution (ties make it conservative). The exact statistic of the
 * raw data is not known, but certified: it lies between `lower` and `upper`.
 */
export interface KsBounds {
  /** Largest difference of the cumulative shares at the bins' edges, 0..1: at most the exact statistic. NaN for an empty side. */
  readonly lower: number;
  /** At least the exact statistic; at most `lower` + the largest baseline share of a non-atom bin. */
  readonly upper: number;
  /** Binned values of the baseline and of the current window. */
  readonly n: number;
  readonly m: number;
}

/**
 * Within a bin both cumulative shares only rise, from F[i-1] to F[i] and from G[i-1] to G[i]; so inside it they differ by at most
 * max(F[i] - G[i-1], G[i] - F[i-1]). In a bin of one single value ("atom") there is no inside.
 * Differences are taken of whole numbers (count x other sample's size): no rounding up to sizes of 9e15 / the other.
 *
 * @param baselineCounts counts by bin; entries beyond atoms.length (counters of missing values ...) are not read
 * @param currentCounts the same bins
 * @param atoms by bin, 1 where only one value is possible
 * @param n sum of the baseline's counts, where it is known already
 * @param m sum of the current counts, likewise
 *
 * Example: [1, 1] against [0, 2] without atoms: lower .5, upper 1.
 */
export function ksBounds(
  baselineCounts: ArrayLike<number>,
  currentCounts: ArrayLike<number>,
  atoms: Uint8Array,
  n: number = total(baselineCounts, atoms.length),
  m: number = total(currentCounts, atoms.length),
): KsBounds {
  const bins = atoms.length;
  if (n === 0 || m === 0) return { lower: NaN, upper: NaN, n, m };
  let difference = 0;
  let lower = 0;
  let upper = 0;
  for (let i = 0; i < bins; i++) {
    const b = baselineCounts[i]! * m;
    const c = currentCounts[i]! * n;
    if (atoms[i] === 0) {
      const above = difference + b; // F[i] - G[i-1], times n m
      const below = c - difference; // G[i] - F[i-1]
      if (above > upper) upper = above;
      if (below > upper) upper = below;
    }
    // One sum waits for the one before, not two.
    difference += b - c;
    const distance = Math.abs(difference);
    if (distance > lower) lower = distance;
  }
  const scale = n * m;
  return { lower: lower / scale, upper: Math.max(lower, upper) / scale, n, m };
}

/**
 * p-value of the two-sided two-sample test. Vrbik's correction brings the asymptotic distribution to within 5e-4 of SciPy's
 * `ks_2samp(..., method='asymp')` for nm/(n+m) >= 20.
 * Reference: Vrbik (2018), Small-sample corrections to Kolmogorov-Smirnov test statistic, Pioneer J. Theor. Appl. Stat. 15.
 *
 * @param d statistic 0..1; `ksBounds().lower` errs on the side of no drift
 * @param n baseline size
 * @param m current size
 * @returns 0..1; NaN for a NaN statistic or an empty side
 */
export function ksPValue(d: number, n: number, m: number): number {
  if (!(n > 0 && m > 0) || Number.isNaN(d)) return NaN;
  const size = n * (m / (n + m));
  const root = Math.sqrt(size);
  const z = root * d;
  return kolmogorovSf(z + 1 / (6 * root) + (z - 1) / (4 * size));
}

/**
 * Survival function Q(x) of the Kolmogorov distribution, 0..1; 1 for x <= 0. Two series that each converge in four terms on their
 * side of 1.18. Reference: Marsaglia, Tsang, Wang (2003), J. Stat. Softw. 8(18). Q(1.3581) = .05.
 */
export function kolmogorovSf(x: number): number {
  if (x <= 0) return 1;
  const y = Math.exp(x < 1.18 ? -(Math.PI * Math.PI) / (8 * x * x) : -2 * x * x);
  // Powers by multiplication: `**` takes as long as all of the rest.
  const y4 = y * y * y * y;
  const y8 = y4 * y4;
  const y16 = y8 * y8;
  if (x >= 1.18) return 2 * (y - y4 + y * y8 - y16);
  return Math.max(0, 1 - (Math.sqrt(2 * Math.PI) / x) * (y + y * y8 + y * y8 * y16 + y * y16 * y16 * y16));
}

/** Kolmogorov-Smirnov distance of two samples, exact: every distinct value is a bin of its own. NaN when one is empty. */
export function ksDistance(a: readonly number[], b: readonly number[]): number {
  const values = [...new Set([...a, ...b])].sort((x, y) => x - y);
  const place = new Map(values.map((value, i) => [value, i]));
  const count = (all: readonly number[]) => {
    const counts = new Float64Array(values.length);
    for (const value of all) counts[place.get(value)!]! += 1;
    return counts;
  };
  return ksBounds(count(a), count(b), new Uint8Array(values.length).fill(1)).lower;
}
