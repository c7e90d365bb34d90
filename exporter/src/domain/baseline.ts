import type { BaselineKind } from './health.ts';
import type { KnownOrUnknownTask } from './task.ts';

/**
 * One row of a reference data set, as a baseline reader decodes it: all text or JSON values, by name.
 * `features` holds every column that is not one of the named ones.
 */
export interface BaselineRow {
  readonly features: Readonly<Record<string, unknown>>;
  readonly prediction: unknown;
  /** Positive class's score, or a score per class. */
  readonly score: unknown;
  readonly scores: Readonly<Record<string, unknown>> | undefined;
  readonly label: unknown;
  readonly latencyMs: unknown;
  readonly error: unknown;
  /** Left out or not readable as a time: the row has none. */
  readonly timestamp?: unknown;
}

/** How many rows of a baseline say as much as one independent one, within stretches of one length (statistics/design-effect.ts). */
export interface DesignEffects {
  readonly windowMs: number;
  /** By column as histogram/model-columns.ts has them, 1 or more; NaN: not known. */
  readonly byColumn: readonly number[];
}

export interface BaselineFeatureSummary {
  readonly feature: string;
  readonly kind: 'numeric' | 'categorical';
  readonly values: number;
  readonly missing: number;
  /** Numeric: bins of the scheme; categorical: categories kept. */
  readonly bins: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

/** What an upload or a capture answers, and what GET .../baseline shows. */
export interface BaselineDescription {
  readonly id: number;
  readonly model: string;
  readonly version: string;
  readonly kind: Exclude<BaselineKind, 'none'>;
  /** Version whose baseline it is a copy of; null: its own. */
  readonly inheritedFrom: string | null;
  readonly madeAtMs: number;
  readonly active: boolean;
  readonly rows: number;
  readonly labelledRows: number;
  readonly task: KnownOrUnknownTask;
  readonly features: readonly BaselineFeatureSummary[];
  /** Columns of the upload that no declared feature matches. */
  readonly ignoredColumns: readonly string[];
}
