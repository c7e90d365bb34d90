import type { KnownOrUnknownTask } from '../domain/task.ts';
import type { BinScheme, FeatureColumn, FeatureKind } from './model-columns.ts';
import type { SegmentIndex } from './segments.ts';
import type { BucketMinutes } from './time-bucket.ts';

/**
 * Everything that intake needs to know of one model version to accept a row and count it. A snapshot: when something changes the
 * catalog makes a new one, and rows in flight are counted again under it.
 */
export interface ModelTarget {
  readonly modelId: number;
  readonly versionId: number;
  readonly model: string;
  readonly version: string;
  readonly task: KnownOrUnknownTask;
  /** Class code by class name; codes are positions in the model's append-only list. */
  readonly classCodes: ReadonlyMap<string, number>;
  /** Those of them that no prediction, label or baseline has named: a setting did, and may be gone. */
  readonly onlyConfigured: ReadonlySet<string>;
  /** Code of the class whose score is the score; -1 when there is none. */
  readonly positiveClass: number;
  /** Error code (1..254) by reason. */
  readonly errorCodes: ReadonlyMap<string, number>;
  readonly featureSetId: number;
  readonly features: readonly FeatureColumn[];
  readonly featureByName: ReadonlyMap<string, FeatureColumn>;
  readonly numericCount: number;
  readonly categoricalCount: number;
  readonly scheme: BinScheme;
  /** Rows from this time on are counted under the scheme, epoch milliseconds, start of an hour; -Infinity: all of them. */
  readonly countedFromMs: number;
  readonly bucketMinutes: BucketMinutes;
  /** Values of the configured segment keys; empty without any. */
  readonly segments: SegmentIndex;
  /** Share of the predictions whose features are stored, 0..1: see keepsFeatures. */
  readonly rawSample: number;
  /** Features whose type was declared; an inferred categorical feature refuses numbers, a declared one takes them as text. */
  readonly declaredCategorical: ReadonlySet<string>;
}

/** What intake met that is not registered yet, of one model version. */
export interface TargetWant {
  /** Of rows that are stored: where this model was deleted meanwhile, nothing is registered. undefined: a model of that name is made. */
  readonly modelId?: number;
  readonly model: string;
  readonly version: string;
  /** In order of appearance. */
  readonly features: ReadonlyMap<string, FeatureKind>;
  readonly classes: ReadonlySet<string>;
  readonly errorReasons: ReadonlySet<string>;
  /** By key of a configured segment. */
  readonly segments?: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Classes and error reasons a model may have; the codes OTHER and OTHER_ERROR stand for the rest. */
export const MAX_CLASSES = 200;
export const MAX_ERROR_REASONS = 100;

/** Whether a class that a row names is to be registered: it has no code and there is one left, or nobody but the settings named it so far. */
export function isNewClass({ classCodes, onlyConfigured }: ModelTarget, name: string): boolean {
  return classCodes.has(name) ? onlyConfigured.has(name) : classCodes.size < MAX_CLASSES;
}

/**
 * The number whose distribution is watched for prediction drift: the positive class's score of a binary model, the predicted value
 * of a regression, the top score of several classes. NaN when the row has none. Computed from stored columns alone, so that a recount
 * from raw rows finds the same.
 *
 * @param scores scores by class code; null without
 */
export function driftScore(
  target: ModelTarget,
  prediction: number,
  score: number,
  scores: readonly number[] | null,
): number {
  switch (target.task) {
    case 'regression':
      return prediction;
    case 'multiclass':
      return scores === null ? score : topScore(scores);
    case 'binary':
      return Number.isNaN(score) && scores !== null && target.positiveClass >= 0
        ? (scores[target.positiveClass] ?? NaN)
        : score;
    case 'unknown':
      return Number.isNaN(score) ? NaN : score;
  }
}

/** Score of the predicted class, 0..1; NaN when the row has none. */
export function confidence(
  target: ModelTarget,
  classCode: number,
  score: number,
  scores: readonly number[] | null,
): number {
  if (scores !== null) return classCode < 0 ? topScore(scores) : (scores[classCode] ?? NaN);
  if (target.task === 'binary' && target.positiveClass >= 0 && classCode >= 0 && classCode !== target.positiveClass)
    return 1 - score;
  return target.task === 'regression' ? NaN : score;
}

function topScore(scores: readonly number[]): number {
  let top = NaN;
  for (const score of scores) if (!(score <= top)) top = Number.isNaN(score) ? top : score;
  return top;
}
