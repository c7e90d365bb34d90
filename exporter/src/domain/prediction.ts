import type { RowError } from './row-error.ts';

/**
 * One prediction as a wire format read it: the right keys, nothing yet believed of the values. Every value is `unknown` until
 * intake/accept-predictions has looked at it; a missing key is undefined.
 */
export interface RawPrediction {
  /** Position in the request, for error messages. */
  readonly index: number;
  readonly model: unknown;
  readonly version: unknown;
  readonly predictionId: unknown;
  /** RFC 3339 text or epoch milliseconds. */
  readonly timestamp: unknown;
  readonly features: RawFeatures;
  readonly prediction: unknown;
  readonly score: unknown;
  readonly scores: unknown;
  readonly latencyMs: unknown;
  readonly error: unknown;
  readonly segment: unknown;
  /** Keys that the format does not know; each is a row error (a misspelt key must not vanish silently). */
  readonly unknownKeys: readonly string[];
}

/** Either an object as it came, or values under names shared by all rows of a request (the fast path). */
export type RawFeatures =
  | { readonly kind: 'object'; readonly value: unknown }
  | { readonly kind: 'row'; readonly names: readonly string[]; readonly values: unknown };

/** What a format hands to intake: the rows it could read and an error for each it could not. Indexes count both. */
export interface DecodedRows<Row> {
  readonly rows: readonly Row[];
  readonly errors: readonly RowError[];
}

/** The answer to POST /api/ml/predictions. */
export interface PredictionsReply {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
  /** Ids that were made for rows that came without one, in order of the rows; absent when none were. */
  readonly ids?: readonly string[];
  readonly errors: readonly RowError[];
}

export interface RawGroundTruth {
  readonly index: number;
  readonly model: unknown;
  readonly predictionId: unknown;
  readonly label: unknown;
  readonly timestamp: unknown;
  readonly unknownKeys: readonly string[];
}

/** The answer to POST /api/ml/ground-truth. */
export interface GroundTruthReply {
  /** Newly joined to their prediction. */
  readonly joined: number;
  /** Stored, and waiting for their prediction. */
  readonly waiting: number;
  /** Replaced an earlier label. */
  readonly updated: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly errors: readonly RowError[];
}

/** The answer to events of foreign formats: halves of predictions, whole ones and labels together. */
export interface ForeignReply {
  /** Committed. A half is no prediction yet. */
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly errors: readonly RowError[];
}
