/**
 * Area under the ROC curve from score histograms of the two classes: the share of (positive, negative) pairs in which the positive
 * scores higher, pairs in the same bin counting half. Bins must be quantiles of the scores: with 256 uniform bins the area is off by
 * .06 at a base rate of .1 %, with quantile bins by .0001.
 *
 * @param positives counts of the positive class by bin, in ascending order of score; fractions are allowed (expected counts)
 * @param negatives counts of the other class by the same bins
 * @param bins how many bins to read
 * @returns 0..1, .5 for no skill; NaN when either class is empty
 *
 * Example: positives [0, 1, 1], negatives [1, 1, 0] -> .875.
 */
export function rocAuc(positives: ArrayLike<number>, negatives: ArrayLike<number>, bins: number): number {
  let p = 0;
  let n = 0;
  let area = 0;
  for (let i = 0; i < bins; i++) {
    area += positives[i]! * (n + negatives[i]! / 2);
    p += positives[i]!;
    n += negatives[i]!;
  }
  return p > 0 && n > 0 ? area / (p * n) : NaN;
}

/**
 * Average precision: the precision at each threshold, weighted by the rise of recall (no interpolation), as scikit-learn has it. With
 * no skill it is the base rate, so compare it only with a baseline of the same base rate.
 *
 * @returns 0..1; NaN without positives
 */
export function averagePrecision(positives: ArrayLike<number>, negatives: ArrayLike<number>, bins: number): number {
  let hits = 0;
  let predicted = 0;
  let sum = 0;
  for (let i = bins - 1; i >= 0; i--) {
    hits += positives[i]!;
    predicted += positives[i]! + negatives[i]!;
    if (positives[i]! > 0) sum += (positives[i]! * hits) / predicted;
  }
  return hits > 0 ? sum / hits : NaN;
}

/**
 * Standard error of an area under the ROC curve. Reference: Hanley, McNeil (1982), Radiology 143.
 *
 * @param auc 0..1
 * @returns 0 or more; NaN without positives or without negatives
 *
 * Example: hanleyMcNeilSe(.8, 100, 1000) -> .0272.
 */
export function hanleyMcNeilSe(auc: number, positives: number, negatives: number): number {
  if (!(positives > 0 && negatives > 0)) return NaN;
  const square = auc * auc;
  const q1 = auc / (2 - auc);
  const q2 = (2 * square) / (1 + auc);
  const variance = auc * (1 - auc) + (positives - 1) * (q1 - square) + (negatives - 1) * (q2 - square);
  return Math.sqrt(Math.max(0, variance) / (positives * negatives));
}
