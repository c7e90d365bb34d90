import type { DesignEffects } from '../domain/baseline.ts';
import type { BaselineKind, CheckOutcome } from '../domain/health.ts';
import type { CheckName, ModelSettings } from '../domain/settings.ts';
import type { KnownOrUnknownTask } from '../domain/task.ts';
import type { FeatureCounts } from '../histogram/counts.ts';
import type { BinScheme, FeatureColumn } from '../histogram/model-columns.ts';
import type { PerformanceCounts } from '../histogram/performance-counts.ts';
import type { Traffic } from '../histogram/traffic.ts';

/** Counts of the same shape for a window and for a baseline: a baseline is a window that stands still. */
export interface ModelCounts {
  readonly features: FeatureCounts;
  readonly traffic: Traffic;
  readonly performance: PerformanceCounts;
}

/** Which of the counts are asked for: the rest may be empty. */
export type NeededCounts = ReadonlySet<keyof ModelCounts>;

export interface ModelBaseline extends ModelCounts {
  readonly kind: Exclude<BaselineKind, 'none'>;
  readonly madeAtMs: number;
}

/** What is known of a model version when it is evaluated. */
export interface ModelContext {
  readonly task: KnownOrUnknownTask;
  /** Class names by class code. */
  readonly classes: readonly string[];
  /** Code of the positive class of a binary model; -1 when there is none. */
  readonly positiveClass: number;
  /** Error reasons by error code - 1. */
  readonly errorReasons: readonly string[];
  /** Features in order of registration: columns[i].column = FIRST_FEATURE_COLUMN + i. */
  readonly columns: readonly FeatureColumn[];
  readonly scheme: BinScheme;
  readonly baseline: ModelBaseline | null;
  readonly settings: ModelSettings;
  /** Where the model is watched as its predictions come. */
  readonly stream?: PredictionStream;
  /** Where the baseline has times; left out or empty: not known. */
  readonly designEffects?: readonly DesignEffects[];
}

/** Predictions since a moment that does not move with the window; at most a tenth of the baseline. */
export interface PredictionStream {
  readonly sinceMs: number;
  readonly features: FeatureCounts;
}

/**
 * One health check. A check only computes: it reads counts and settings and returns a value, in any order, any number of times.
 * It never throws for odd data (empty, one-sided, constant): that is insufficient_data with a reason.
 */
export interface Check<Outcome extends CheckOutcome = CheckOutcome> {
  readonly name: CheckName;
  /** Which counts of the window the check reads: those that no check needs are not summed. */
  readonly needs: readonly (keyof ModelCounts)[];
  evaluate(context: ModelContext, window: ModelCounts, windowMs: number): Outcome;
}
