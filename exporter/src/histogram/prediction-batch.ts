import type { ModelTarget } from './model-target.ts';

/**
 * The accepted rows of one request, column by column. Row i belongs to `targets[i]`; its numeric features stand in
 * `numbers[numberAt[i] ...]`, its categorical ones in `texts[textAt[i] ...]`, each in order of position.
 */
export interface PredictionBatch {
  readonly rows: number;
  targets: ModelTarget[];
  /** Position of each row in the request. */
  readonly index: Int32Array;
  /** Epoch milliseconds. */
  readonly timeMs: Float64Array;
  /** 16 bytes a row: the id when it is a uuid, else a hash of it. */
  readonly ids: Buffer;
  /** The id as it was sent when it is not a uuid. */
  readonly idTexts: (string | null)[];
  /** 1 for rows that came with an id but no timestamp: a retry of one may carry the previous day's. */
  readonly stamped: Uint8Array;
  /** NaN: none. */
  readonly predictions: Float64Array;
  readonly classes: (string | null)[];
  /** NaN: none. */
  readonly scores: Float64Array;
  /** By class code; NaN for classes without. */
  readonly classScores: (readonly number[] | null)[];
  /** Milliseconds, as float32 so that a delta carries exactly what the row stores; NaN: not reported. */
  readonly latencyMs: Float32Array;
  readonly errors: (string | null)[];
  /** JSON text. */
  readonly segments: (string | null)[];
  /** NaN: missing or of the wrong type (see invalid); infinities are kept. */
  readonly numbers: Float64Array;
  readonly numberAt: Int32Array;
  readonly texts: (string | null)[];
  readonly textAt: Int32Array;
  /** Columns whose value had the wrong type; null: none. */
  readonly invalid: (readonly number[] | null)[];
}

/** A batch counted under its targets' schemes. */
export interface BinnedBatch {
  readonly batch: PredictionBatch;
  /** One byte a column: codes[codeAt[i] + column]. */
  readonly codes: Uint8Array;
  readonly codeAt: Int32Array;
  readonly errorCodes: Uint8Array;
  /** By row, the segments that it counts in beside the whole; null: none of the rows is in any. */
  readonly segmentIds: readonly (readonly number[])[] | null;
  /** The watched score (see driftScore) and the confidence of each row; NaN: none. */
  readonly driftScores: Float64Array;
  readonly confidences: Float64Array;
  /** Values of outer and gap bins, as triples (row, column, value). */
  readonly tails: readonly number[];
}
