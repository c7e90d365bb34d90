import type { PredictionBatch } from '../histogram/prediction-batch.ts';
import { keepsFeatures } from '../histogram/raw-sample.ts';
import { BinaryRowWriter } from './binary-row.ts';

export const PREDICTION_COLUMNS =
  'model_id, version_id, feature_set_id, ts, pid, pid_text, prediction, class, score, scores, latency_ms, error_type, segment, num, cat, invalid';
const FIELDS = 16;

/** Rows of a batch in the binary format, and where each begins: rows[i] = bytes[at[i] .. at[i + 1]). */
export interface EncodedRows {
  readonly bytes: Buffer;
  readonly at: Int32Array;
}

/** Features that are not among the sample of their model are left out: the row is there for duplicates, labels and its answer. */
export function encodePredictions(batch: PredictionBatch): EncodedRows {
  const numbers = batch.numbers.length;
  const writer = new BinaryRowWriter(batch.rows * 260 + numbers * 12 + batch.texts.length * 24);
  const at = new Int32Array(batch.rows + 1);
  for (let i = 0; i < batch.rows; i++) {
    encodeRow(writer, batch, i);
    at[i + 1] = writer.length;
  }
  return { bytes: writer.done(), at };
}

function encodeRow(writer: BinaryRowWriter, batch: PredictionBatch, i: number): void {
  const target = batch.targets[i]!;
  writer.beginRow(FIELDS);
  writer.int4(target.modelId);
  writer.int4(target.versionId);
  writer.int4(target.featureSetId);
  writer.timestamp(batch.timeMs[i]!);
  writer.uuid(batch.ids, i * 16);
  writer.text(batch.idTexts[i] ?? null);
  writer.float8(batch.predictions[i]!);
  writer.text(batch.classes[i] ?? null);
  writer.float8(batch.scores[i]!);
  const scores = batch.classScores[i] ?? null;
  if (scores === null) writer.null();
  else writer.float8Array(scores, 0, scores.length);
  writer.float8(batch.latencyMs[i]!);
  writer.text(batch.errors[i] ?? null);
  writer.jsonb(batch.segments[i] ?? null);
  const kept = keepsFeatures(target.rawSample, batch.ids, i * 16);
  writer.float8Array(batch.numbers, batch.numberAt[i]!, kept ? batch.numberAt[i + 1]! - batch.numberAt[i]! : 0);
  writer.textArray(batch.texts, batch.textAt[i]!, kept ? batch.textAt[i + 1]! - batch.textAt[i]! : 0);
  const invalid = kept ? (batch.invalid[i] ?? null) : null;
  if (invalid === null) writer.null();
  else writer.int2Array(invalid);
}
