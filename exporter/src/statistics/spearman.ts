import { normalQuantile } from './normal-distribution.ts';

/** Rank correlation with its 95 % interval. */
export interface RankCorrelation {
  readonly pairs: number;
  /** -1..1; NaN for fewer than four pairs, and where one side does not vary. */
  readonly coefficient: number;
  readonly lower: number;
  readonly upper: number;
}

const Z_95 = normalQuantile(0.975);
/** The interval divides by n - 3. */
const FEWEST = 4;

/**
 * Spearman's rank correlation: whether one figure rises where the other does, whatever the shape. Ties share their mean rank. The interval
 * is Fisher's transformation with the standard error of Bonett and Wright (2000), Psychometrika 65: sqrt((1 + r²/2) / (n - 3)). It takes
 * pairs for independent: neighbouring weeks often are not, so that it is rather too narrow for series that drift together.
 *
 * At a perfect order the transformation is infinite and would claim certainty of any four pairs; the inner end is then that of the order
 * with one neighbouring swap, the least imperfection that there is.
 *
 * @param a finite values
 * @param b of the same length
 * @returns all NaN but `pairs` for fewer than four pairs, and where one side does not vary
 * @throws RangeError when the lengths differ
 *
 * Example: [1, 2, 3, 4, 5] and [2, 1, 4, 3, 5] -> .8, from -.46 to .99: five pairs say nearly nothing.
 */
export function rankCorrelation(a: readonly number[], b: readonly number[]): RankCorrelation {
  const n = a.length;
  if (b.length !== n) throw new RangeError('a pair has two values');
  const coefficient = n < FEWEST ? NaN : correlation(ranks(a), ranks(b));
  if (Number.isNaN(coefficient)) return { pairs: n, coefficient: NaN, lower: NaN, upper: NaN };
  const nextToPerfect = 1 - 12 / (n * (n * n - 1));
  const inner = Math.min(Math.abs(coefficient), nextToPerfect);
  const half = Z_95 * Math.sqrt((1 + (inner * inner) / 2) / (n - 3));
  const near = Math.tanh(Math.atanh(inner) - half);
  const far = Math.abs(coefficient) > nextToPerfect ? 1 : Math.tanh(Math.atanh(inner) + half);
  return coefficient >= 0
    ? { pairs: n, coefficient, lower: near, upper: far }
    : { pairs: n, coefficient, lower: -far, upper: -near };
}

/** From 1; equal values share the mean of their ranks. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => values[i]! - values[j]!);
  const of = new Array<number>(values.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let k = from; k < to; k++) of[order[k]!] = (from + 1 + to) / 2;
    from = to;
  }
  return of;
}

/** Of ranks: both means are (n + 1) / 2. NaN when one side has a single rank. */
function correlation(x: readonly number[], y: readonly number[]): number {
  const mean = (x.length + 1) / 2;
  let [xx, yy, xy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [x[i]! - mean, y[i]! - mean];
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  return xx === 0 || yy === 0 ? NaN : Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)));
}
