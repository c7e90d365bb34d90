import type { RowError } from './row-error.ts';

/** A business figure as it was sent: nothing yet believed of the values. */
export interface RawBusinessValue {
  readonly index: number;
  readonly model: unknown;
  readonly name: unknown;
  readonly timestamp: unknown;
  readonly value: unknown;
  readonly unknownKeys: readonly string[];
}

/** A figure of the business that a model serves, at one time: revenue, conversions, complaints. */
export interface BusinessValue {
  readonly index: number;
  readonly model: string;
  readonly name: string;
  readonly atMs: number;
  readonly value: number;
}

/** The answer to POST /api/ml/business-metrics. */
export interface BusinessMetricsReply {
  readonly accepted: number;
  /** Replaced the value that the same figure had at the same time. */
  readonly updated: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly errors: readonly RowError[];
}

/** The values of one figure within one week. */
export interface BusinessWeek {
  readonly name: string;
  readonly weekMs: number;
  readonly mean: number;
  readonly values: number;
}
