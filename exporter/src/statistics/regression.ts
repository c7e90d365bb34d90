/** Count, mean and sum of squared distances from the mean: the state that variance is computed from, and that adds. */
export interface Moments {
  n: number;
  mean: number;
  m2: number;
}

export function emptyMoments(): Moments {
  return { n: 0, mean: 0, m2: 0 };
}

/** Welford's update: adds one value to `into`. */
export function addMoment(into: Moments, value: number): void {
  into.n++;
  const before = value - into.mean;
  into.mean += before / into.n;
  into.m2 += before * (value - into.mean);
}

/**
 * Adds the values behind `other` to `into`. Sums of squares, which would add more simply, lose the answer for large offsets: R2 .9985
 * for .9497 at 1e9. Reference: Chan, Golub, LeVeque (1983), The American Statistician 37.
 */
export function mergeMoments(into: Moments, other: Moments): void {
  shiftMoments(into, other, 1);
}

/**
 * Takes values out that were added before (a label that was corrected, a bucket that left the window). Rounding builds up with the
 * number of removals, so that long-lived state is best recomputed now and then; m2 never falls below 0.
 */
export function removeMoments(from: Moments, other: Moments): void {
  shiftMoments(from, other, -1);
}

function shiftMoments(into: Moments, other: Moments, sign: 1 | -1): void {
  const n = into.n + sign * other.n;
  if (n <= 0) {
    into.n = 0;
    into.mean = 0;
    into.m2 = 0;
    return;
  }
  const distance = other.mean - into.mean;
  into.m2 = Math.max(0, into.m2 + sign * (other.m2 + (distance * distance * into.n * other.n) / n));
  into.mean += (sign * distance * other.n) / n;
  into.n = n;
}

/** Sample variance (n - 1); NaN below two values. */
export function sampleVariance(moments: Moments): number {
  return moments.n < 2 ? NaN : moments.m2 / (moments.n - 1);
}

/** Sums over labelled predictions, with e = predicted - actual. */
export interface RegressionSums {
  readonly n: number;
  readonly absoluteErrorSum: number;
  readonly squaredErrorSum: number;
  readonly errorSum: number;
  /** Sum of squared distances of the actual values from their mean (`Moments.m2`). */
  readonly actualM2: number;
}

export interface RegressionFigures {
  readonly meanAbsoluteError: number;
  readonly rootMeanSquaredError: number;
  /** 1 at best, 0 for predicting the mean, below 0 for worse. NaN below two values or when all actual values are equal. */
  readonly r2: number;
  /** Mean of predicted - actual. */
  readonly bias: number;
}

/** All NaN for n = 0. */
export function regressionFigures(sums: RegressionSums): RegressionFigures {
  const { n } = sums;
  return {
    meanAbsoluteError: ratio(sums.absoluteErrorSum, n),
    rootMeanSquaredError: Math.sqrt(ratio(Math.max(0, sums.squaredErrorSum), n)),
    r2: n < 2 ? NaN : 1 - ratio(sums.squaredErrorSum, sums.actualM2),
    bias: ratio(sums.errorSum, n),
  };
}

function ratio(numerator: number, denominator: number): number {
  return denominator > 0 ? numerator / denominator : NaN;
}
