import { rocAuc } from './roc.ts';

/**
 * Calibration gap: mean score - observed rate of the positive class. Above 0: the scores promise too much.
 *
 * @returns -1..1; NaN for n = 0
 */
export function calibrationGap(scoreSum: number, positives: number, n: number): number {
  return n > 0 ? (scoreSum - positives) / n : NaN;
}

/**
 * Isotonic regression of the observed rate on the score bin (pool adjacent violators): the non-decreasing rates nearest to the
 * observed ones in weighted least squares. Reference: Barlow et al. (1972), Statistical Inference under Order Restrictions.
 *
 * @param positives positive labels by score bin, ascending scores
 * @param totals labels by score bin; a bin without labels gets the mean of its nearest neighbours, or the nearest one at the ends
 * @param bins how many bins to read
 * @param out overwritten up to `bins` with rates 0..1 (all NaN without any labels); returned
 *
 * Example: positives [1, 0, 2] of [2, 2, 2] -> [.25, .25, 1].
 */
export function isotonicRates(
  positives: ArrayLike<number>,
  totals: ArrayLike<number>,
  bins: number,
  out: Float64Array,
): Float64Array {
  const blocks: { weight: number; sum: number; last: number }[] = [];
  for (let i = 0; i < bins; i++) {
    out[i] = NaN;
    if (!(totals[i]! > 0)) continue;
    let block = { weight: totals[i]!, sum: positives[i]!, last: i };
    let before = blocks.at(-1);
    while (before !== undefined && before.sum * block.weight >= block.sum * before.weight) {
      block = { weight: before.weight + block.weight, sum: before.sum + block.sum, last: i };
      blocks.pop();
      before = blocks.at(-1);
    }
    blocks.push(block);
  }
  let at = 0;
  for (const block of blocks) for (; at <= block.last; at++) if (totals[at]! > 0) out[at] = block.sum / block.weight;
  fillUnlabelled(out, bins);
  return out;
}

function fillUnlabelled(rates: Float64Array, bins: number): void {
  for (let i = 0; i < bins;) {
    if (!Number.isNaN(rates[i]!)) {
      i++;
      continue;
    }
    let end = i;
    while (end < bins && Number.isNaN(rates[end]!)) end++;
    const before = i > 0 ? rates[i - 1]! : NaN;
    const after = end < bins ? rates[end]! : NaN;
    const rate = Number.isNaN(before) ? after : Number.isNaN(after) ? before : (before + after) / 2;
    rates.fill(rate, i, end);
    i = end;
  }
}

/** Expected figures of predictions whose labels are not known yet. Always to be shown as estimated. NaN where undefined. */
export interface EstimatedPerformance {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
  readonly accuracy: number;
  /** Of the accuracy: the chance of the labels alone, not of the fit. */
  readonly accuracyStandardError: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly rocAuc: number;
}

/**
 * Confidence-based performance estimation: each prediction is right with the probability its calibrated score says. Holds under
 * covariate shift and is blind to concept drift, when the calibration itself no longer holds.
 * Reference: NannyML, CBPE; Guillory et al. (2021), Predicting with Confidence on Unseen Distributions.
 *
 * @param rates P(positive) by score bin (`isotonicRates`); bins with a NaN rate must be empty, or everything is NaN
 * @param predictedPositive counts of predictions of the positive class by score bin
 * @param predictedNegative counts of the others
 * @param bins how many bins to read
 */
export function estimatePerformance(
  rates: ArrayLike<number>,
  predictedPositive: ArrayLike<number>,
  predictedNegative: ArrayLike<number>,
  bins: number,
): EstimatedPerformance {
  const positives = new Float64Array(bins);
  const negatives = new Float64Array(bins);
  let tp = 0;
  let fp = 0;
  let fn = 0;
  let tn = 0;
  let variance = 0;
  for (let i = 0; i < bins; i++) {
    const all = predictedPositive[i]! + predictedNegative[i]!;
    if (all === 0) continue;
    const rate = rates[i]!;
    tp += predictedPositive[i]! * rate;
    fp += predictedPositive[i]! * (1 - rate);
    fn += predictedNegative[i]! * rate;
    tn += predictedNegative[i]! * (1 - rate);
    positives[i] = all * rate;
    negatives[i] = all * (1 - rate);
    variance += all * rate * (1 - rate);
  }
  const n = tp + fp + fn + tn;
  return {
    truePositives: tp,
    falsePositives: fp,
    falseNegatives: fn,
    trueNegatives: tn,
    accuracy: ratio(tp + tn, n),
    accuracyStandardError: ratio(Math.sqrt(variance), n),
    precision: ratio(tp, tp + fp),
    recall: ratio(tp, tp + fn),
    f1: ratio(2 * tp, 2 * tp + fp + fn),
    rocAuc: rocAuc(positives, negatives, bins),
  };
}

function ratio(numerator: number, denominator: number): number {
  return denominator > 0 ? numerator / denominator : NaN;
}
