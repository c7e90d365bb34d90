import { binInto, preparedEdges } from './binner.ts';
import { OTHER } from './categories.ts';
import { driftScore } from './model-target.ts';
import type { ModelTarget } from './model-target.ts';
import { ODDS_CODES, oddsCode } from './performance-counts.ts';
import type { PerformanceCounts } from './performance-counts.ts';

/** A stored prediction as far as its performance goes. */
export interface PredictedOutcome {
  /** NaN: none. */
  readonly prediction: number;
  readonly className: string | null;
  /** NaN: none. */
  readonly score: number;
  readonly scores: readonly number[] | null;
}

/** A label: a class as text, a value as number, or both (a whole number). */
export interface Label {
  readonly className: string | null;
  /** NaN: none. */
  readonly value: number;
}

/** Log loss is taken of probabilities kept this far from 0 and 1, as scikit-learn 1.2 does. */
const PROBABILITY_FLOOR = 1e-15;

/** Of models with more classes no ranking is counted: a labelled row costs a cell for each class. */
export const MAX_RANKED_CLASSES = 20;

/** Adds one labelled prediction. Nothing but `labelled` is counted while the task is unknown: the baseline brings the rest. */
export function countLabel(
  into: PerformanceCounts,
  target: ModelTarget,
  predicted: PredictedOutcome,
  label: Label,
  delaySeconds: number,
): void {
  into.labelled++;
  if (Number.isFinite(delaySeconds)) into.addDelay(Math.max(0, delaySeconds));
  if (target.task === 'regression') countValue(into, predicted.prediction, label.value);
  else if (target.task !== 'unknown') countClass(into, target, predicted, label);
}

function countValue(into: PerformanceCounts, prediction: number, value: number): void {
  if (!Number.isFinite(prediction) || !Number.isFinite(value)) return;
  const error = prediction - value;
  const before = into.numeric;
  into.numeric = before + 1;
  into.absoluteErrorSum += Math.abs(error);
  into.squaredErrorSum += error * error;
  into.errorSum += error;
  // Welford (1962): the moments of one more value.
  const distance = value - into.labelMean;
  into.labelMean += distance / into.numeric;
  into.labelM2 += distance * (value - into.labelMean);
}

function countClass(into: PerformanceCounts, target: ModelTarget, predicted: PredictedOutcome, label: Label): void {
  if (label.className === null) return;
  const actual = target.classCodes.get(label.className) ?? OTHER;
  const score = driftScore(target, predicted.prediction, predicted.score, predicted.scores);
  const code = predictedCode(target, predicted, score, actual);
  if (code >= 0) {
    const cell = code * 256 + actual;
    into.confusion.set(cell, (into.confusion.get(cell) ?? 0) + 1);
    countDecision(into, target, score, target.task === 'binary' ? code === target.positiveClass : code === actual);
  }
  if (target.task === 'multiclass') countClassScores(into, target, predicted.scores, actual);
  if (target.task !== 'binary' || target.positiveClass < 0 || !Number.isFinite(score)) return;
  const positive = actual === target.positiveClass ? 1 : 0;
  const cell = binInto(preparedEdges(target.scheme.score), score) * 2 + positive;
  into.scores.set(cell, (into.scores.get(cell) ?? 0) + 1);
  if (score < 0 || score > 1) return;
  const likelihood = Math.min(Math.max(positive === 1 ? score : 1 - score, PROBABILITY_FLOOR), 1 - PROBABILITY_FLOOR);
  into.scored++;
  into.scoreSum += score;
  into.positives += positive;
  into.brierSum += (score - positive) ** 2;
  into.logLossSum -= Math.log(likelihood);
}

function countDecision(into: PerformanceCounts, target: ModelTarget, score: number, decision: boolean): void {
  if (!Number.isFinite(score)) return;
  const cell = binInto(preparedEdges(target.scheme.score), score) * 2 + Number(decision);
  into.decisions.set(cell, (into.decisions.get(cell) ?? 0) + 1);
}

/** Only of rows that score the class that came true: without it neither rank nor likelihood are defined. */
function countClassScores(
  into: PerformanceCounts,
  target: ModelTarget,
  scores: readonly number[] | null,
  actual: number,
): void {
  const likely = scores?.[actual] ?? NaN;
  if (scores === null || !(likely >= 0 && likely <= 1)) return;
  into.scored++;
  into.logLossSum -= Math.log(Math.min(Math.max(likely, PROBABILITY_FLOOR), 1 - PROBABILITY_FLOOR));
  for (let code = 0; code < scores.length; code++) {
    const score = scores[code]!;
    if (!(score >= 0 && score <= 1)) continue;
    const cameTrue = Number(code === actual);
    into.brierSum += (score - cameTrue) ** 2;
    if (target.classCodes.size > MAX_RANKED_CLASSES) continue;
    const cell = (code * ODDS_CODES + oddsCode(score)) * 2 + cameTrue;
    into.scores.set(cell, (into.scores.get(cell) ?? 0) + 1);
  }
}

/**
 * A binary prediction that came as a score alone is the class that 0.5 divides; -1: there is none. Below it is the class that came true,
 * unless that is the positive one: a class that was once declared or configured, and never comes, must not stand for the negative one.
 * Wrong it is also before any other class has a name.
 */
function predictedCode(target: ModelTarget, predicted: PredictedOutcome, score: number, actual: number): number {
  if (predicted.className !== null) return target.classCodes.get(predicted.className) ?? OTHER;
  if (target.task !== 'binary' || target.positiveClass < 0 || !Number.isFinite(score)) return -1;
  if (score >= 0.5) return target.positiveClass;
  if (actual !== target.positiveClass) return actual;
  for (const code of target.classCodes.values()) if (code !== target.positiveClass) return code;
  return OTHER;
}
