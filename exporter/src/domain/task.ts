/** What a model predicts. `unknown` until configured or inferred from the first predictions. */
export type Task = 'binary' | 'multiclass' | 'regression';
export type KnownOrUnknownTask = Task | 'unknown';

/** At most this many distinct integers still mean classes; more mean a regression. */
export const MAX_INTEGER_CLASSES = 20;

const POSITIVE_NAMES: ReadonlySet<string> = new Set(['1', 'true', 'yes', 'positive']);

/** What the first predictions of a model looked like. */
export interface PredictionShape {
  /** Distinct predicted classes as text (numbers that are integers included), at most MAX_INTEGER_CLASSES + 1 of them. */
  readonly classes: readonly string[];
  /** A prediction was a string or a boolean, or came with scores. */
  readonly named: boolean;
  /** A prediction was a number with a fraction. */
  readonly fractional: boolean;
}

/**
 * Strings, booleans, scores, or at most 20 distinct integers mean classes (binary for two or fewer), else regression.
 * No prediction at all: `unknown`.
 */
export function inferTask(shape: PredictionShape): KnownOrUnknownTask {
  if (!shape.named && (shape.fractional || shape.classes.length > MAX_INTEGER_CLASSES)) return 'regression';
  if (shape.classes.length === 0) return shape.named ? 'binary' : 'unknown';
  return shape.classes.length <= 2 ? 'binary' : 'multiclass';
}

/** The class whose score is "the" score of a binary model: a conventional name, else the last in sorted order. */
export function defaultPositiveClass(classes: readonly string[]): string | undefined {
  return classes.find((name) => POSITIVE_NAMES.has(name.toLowerCase())) ?? [...classes].sort().at(-1);
}
