import { regularisedBeta } from './beta-function.ts';
import { normalSf } from './normal-distribution.ts';

/**
 * One-sided p-value that share k1/n1 exceeds share k2/n2 (z test with the pooled share). Needs a handful of successes and failures.
 *
 * @param k1 successes of the first sample, 0..n1
 * @param k2 successes of the second sample, 0..n2
 * @returns 0..1, .5 for equal shares; 1 when both are all successes or all failures; NaN for an empty side
 *
 * Example: twoProportionPValue(60, 100, 50, 100) -> .078.
 */
export function twoProportionPValue(k1: number, n1: number, k2: number, n2: number): number {
  if (!(n1 > 0 && n2 > 0)) return NaN;
  const pooled = (k1 + k2) / (n1 + n2);
  const variance = pooled * (1 - pooled) * (1 / n1 + 1 / n2);
  if (!(variance > 0)) return 1;
  return normalSf((k1 / n1 - k2 / n2) / Math.sqrt(variance));
}

export interface SampleSummary {
  readonly n: number;
  readonly mean: number;
  /** Sample variance (n - 1). */
  readonly variance: number;
}

/**
 * One-sided p-value that the mean of `a` exceeds the mean of `b` (Welch's t test: variances may differ). For skewed values with few
 * samples test their logarithms.
 *
 * @returns 0..1; NaN below two values on either side. Without any variance: 0 when a's mean is larger, else 1.
 */
export function welchPValue(a: SampleSummary, b: SampleSummary): number {
  if (!(a.n >= 2 && b.n >= 2)) return NaN;
  const varianceA = a.variance / a.n;
  const varianceB = b.variance / b.n;
  const variance = varianceA + varianceB;
  if (variance === 0) return a.mean > b.mean ? 0 : 1;
  // Welch-Satterthwaite, in shares of the variance so that tiny variances do not underflow.
  const shareA = varianceA / variance;
  const shareB = varianceB / variance;
  const df = 1 / ((shareA * shareA) / (a.n - 1) + (shareB * shareB) / (b.n - 1));
  return studentTSf((a.mean - b.mean) / Math.sqrt(variance), df);
}

/** P(T > t) of Student's t distribution with `df` > 0 degrees of freedom. studentTSf(2.228139, 10) = .025. */
export function studentTSf(t: number, df: number): number {
  if (Number.isNaN(t) || !(df > 0)) return NaN;
  if (!Number.isFinite(t)) return t > 0 ? 0 : 1;
  // logGamma's differences lose digits where the t distribution is all but normal (Abramowitz and Stegun 26.7.8).
  if (df > 1e7) return normalSf((t * (1 - 1 / (4 * df))) / Math.sqrt(1 + (t * t) / (2 * df)));
  const tail = 0.5 * regularisedBeta(df / (df + t * t), df / 2, 0.5);
  return t >= 0 ? tail : 1 - tail;
}
