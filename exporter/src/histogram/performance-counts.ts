import { latencyCode } from './latency-buckets.ts';

/**
 * Labelled predictions of one stretch of time, by the time of the PREDICTION: enough to compute every performance figure,
 * and additive, so that a corrected label is "remove the old, add the new".
 */
export class PerformanceCounts {
  /** Labelled predictions. */
  labelled = 0;
  /** predicted class code * 256 + actual class code -> count. */
  readonly confusion = new Map<number, number>();
  /**
   * Binary models with scores: score code * 2 + (1 for the positive class, else 0) -> count. Several classes: the score of each class,
   * (class code * ODDS_CODES + odds code) * 2 + (1 where the class came true, else 0) -> count.
   */
  readonly scores = new Map<number, number>();
  /**
   * score code * 2 + decision -> count, by the watched score. The decision is 1 where a binary model predicted the positive class, or
   * where the prediction of one of several classes was right: what estimates of performance without labels are fitted to.
   */
  readonly decisions = new Map<number, number>();
  /** Labelled rows with a score, and their sums: score, (score - y)^2 (of several classes over all of them), -ln likelihood. */
  scored = 0;
  scoreSum = 0;
  positives = 0;
  brierSum = 0;
  logLossSum = 0;
  /** Rows with a numeric label and prediction; sums of |e|, e^2 and e with e = predicted - actual; moments of the label. */
  numeric = 0;
  absoluteErrorSum = 0;
  squaredErrorSum = 0;
  errorSum = 0;
  labelMean = 0;
  labelM2 = 0;
  /** Prediction to label: delayCode -> count, and the sum in seconds. */
  readonly delays = new Map<number, number>();
  delaySum = 0;

  /** sign +1 adds, -1 removes what was added before (counts of `other` are positive either way). */
  merge(other: PerformanceCounts, sign: 1 | -1): void {
    this.labelled += sign * other.labelled;
    mergeCounts(this.confusion, other.confusion, sign);
    mergeCounts(this.scores, other.scores, sign);
    mergeCounts(this.delays, other.delays, sign);
    mergeCounts(this.decisions, other.decisions, sign);
    this.scored += sign * other.scored;
    this.scoreSum += sign * other.scoreSum;
    this.positives += sign * other.positives;
    this.brierSum += sign * other.brierSum;
    this.logLossSum += sign * other.logLossSum;
    this.absoluteErrorSum += sign * other.absoluteErrorSum;
    this.squaredErrorSum += sign * other.squaredErrorSum;
    this.errorSum += sign * other.errorSum;
    this.delaySum += sign * other.delaySum;
    this.mergeLabelMoments(other, sign);
  }

  /**
   * Chan, Golub, LeVeque (1983): pairwise update of mean and M2; with a negative count the same algebra takes rows out.
   * Plain sums of squares would lose R2 for large offsets (.9985 for .9497 at 1e9).
   */
  private mergeLabelMoments(other: PerformanceCounts, sign: 1 | -1): void {
    const added = sign * other.numeric;
    const total = this.numeric + added;
    if (total <= 0) {
      this.numeric = 0;
      this.labelMean = 0;
      this.labelM2 = 0;
      return;
    }
    // Without the rounding of mean x n / n: what is read back is what was stored.
    if (this.numeric === 0) {
      this.numeric = total;
      this.labelMean = other.labelMean;
      this.labelM2 = other.labelM2;
      return;
    }
    const distance = other.labelMean - this.labelMean;
    this.labelMean += (distance * added) / total;
    this.labelM2 = Math.max(
      0,
      this.labelM2 + sign * other.labelM2 + (distance * distance * this.numeric * added) / total,
    );
    this.numeric = total;
  }

  addDelay(seconds: number): void {
    const code = delayCode(seconds);
    this.delays.set(code, (this.delays.get(code) ?? 0) + 1);
    this.delaySum += seconds;
  }
}

/** Bins of the log-odds of a class's score, 64 to the unit: scores whose odds differ by less than 1.6 % rank as equal. */
export const ODDS_CODES = 2_048;
const PER_UNIT = 64;

/** Code 0..2047 of a score 0..1; 1024 is .5, and the ends take all that is beyond odds of 1 to 9 million. */
export function oddsCode(score: number): number {
  const code = Math.round(Math.log(score / (1 - score)) * PER_UNIT) + ODDS_CODES / 2;
  return Math.min(ODDS_CODES - 1, Math.max(0, code));
}

/** Label delays run from seconds to months: the latency buckets (2^-16 .. 2^16), counted in minutes, cover 1 ms to 45 days. */
export function delayCode(seconds: number): number {
  return latencyCode(Math.max(0, seconds) / 60);
}

function mergeCounts(into: Map<number, number>, from: ReadonlyMap<number, number>, sign: 1 | -1): void {
  for (const [key, count] of from) {
    const sum = (into.get(key) ?? 0) + sign * count;
    if (sum === 0) into.delete(key);
    else into.set(key, sum);
  }
}
