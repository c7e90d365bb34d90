import type { ClientBase } from 'pg';
import type { Label } from '../histogram/count-label.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import type { PredictionBatch } from '../histogram/prediction-batch.ts';
import {
  readFloat8,
  readFloat8Array,
  readInt2Array,
  readJsonText,
  readText,
  readTextArray,
  readTimestampMs,
} from './binary-read.ts';
import { copyOut } from './copy-out.ts';

/** Stored predictions, with the labels that the statistics count for them. */
export interface LabelledBatch {
  readonly batch: PredictionBatch;
  readonly labels: readonly (Label | null)[];
}

export interface StoredRange {
  readonly modelId: number;
  readonly versionId: number;
  readonly fromMs: number;
  /** Exclusive; Infinity: no end. */
  readonly toMs: number;
  /** The first so many by time; Infinity: all. */
  readonly limit: number;
  /** Only rows whose features were kept: where a share of them is, what a baseline is made of. */
  readonly whole?: boolean;
}

const CHUNK_ROWS = 5_000;

/**
 * Streams the stored predictions of one version, in the snapshot of the client's transaction, as batches of `target`.
 * Index (model_id, ts) of the partitions in range; labels by their primary key.
 */
export async function readPredictions(
  client: ClientBase,
  range: StoredRange,
  target: ModelTarget,
  onBatch: (rows: LabelledBatch) => void,
): Promise<number> {
  let chunk = new Chunk(target);
  const flush = (): void => {
    if (chunk.rows > 0) onBatch(chunk.done());
    chunk = new Chunk(target);
  };
  const rows = await copyOut(client, selectRange(range), (fields) => {
    chunk.add(fields);
    if (chunk.rows === CHUNK_ROWS) flush();
  });
  flush();
  return rows;
}

/** COPY takes no parameters: everything that varies here is a number of ours. */
function selectRange({ modelId, versionId, fromMs, toMs, limit, whole = false }: StoredRange): string {
  const until = Number.isFinite(toMs) ? ` AND p.ts < to_timestamp(${toMs / 1000})` : '';
  // Rows from before the first feature was registered have none to keep.
  const kept = whole
    ? ` AND (cardinality(p.num) + cardinality(p.cat) > 0 OR p.feature_set_id IN (
         SELECT id FROM feature_sets WHERE version_id = ${Math.floor(versionId)} AND cardinality(names) = 0))`
    : '';
  const first = Number.isFinite(limit) ? ` ORDER BY p.ts LIMIT ${Math.floor(limit)}` : '';
  return `SELECT p.ts, p.pid, p.pid_text, p.prediction, p.class, p.score, p.scores, p.latency_ms, p.error_type, p.segment, p.num, p.cat, p.invalid,
      g.joined_at IS NOT NULL OR g.counted_label IS NOT NULL OR g.counted_value IS NOT NULL, g.counted_label, g.counted_value
    FROM (SELECT * FROM predictions p WHERE p.model_id = ${Math.floor(modelId)} AND p.version_id = ${Math.floor(versionId)}
      AND p.ts >= to_timestamp(${fromMs / 1000})${until}${kept}${first}) p
    LEFT JOIN ground_truth g ON g.pid = p.pid AND g.model_id = p.model_id AND g.prediction_ts = p.ts`;
}

class Chunk {
  rows = 0;
  private readonly target: ModelTarget;
  private readonly timeMs = new Float64Array(CHUNK_ROWS);
  private readonly ids = Buffer.alloc(CHUNK_ROWS * 16);
  private readonly idTexts: (string | null)[] = [];
  private readonly predictions = new Float64Array(CHUNK_ROWS);
  private readonly classes: (string | null)[] = [];
  private readonly scores = new Float64Array(CHUNK_ROWS);
  private readonly classScores: (readonly number[] | null)[] = [];
  private readonly latencyMs = new Float32Array(CHUNK_ROWS);
  private readonly errors: (string | null)[] = [];
  private readonly segments: (string | null)[] = [];
  private readonly numbers: number[] = [];
  private readonly numberAt = new Int32Array(CHUNK_ROWS + 1);
  private readonly texts: (string | null)[] = [];
  private readonly textAt = new Int32Array(CHUNK_ROWS + 1);
  private readonly invalid: (readonly number[] | null)[] = [];
  private readonly labels: (Label | null)[] = [];

  constructor(target: ModelTarget) {
    this.target = target;
  }

  add(fields: readonly (Buffer | null)[]): void {
    const [
      ts,
      pid,
      pidText,
      prediction,
      className,
      score,
      scores,
      latency,
      error,
      segment,
      num,
      cat,
      invalid,
      labelled,
      label,
      value,
    ] = fields;
    const i = this.rows++;
    this.timeMs[i] = readTimestampMs(ts!);
    pid!.copy(this.ids, i * 16);
    this.idTexts[i] = readText(pidText!);
    this.predictions[i] = readFloat8(prediction!);
    this.classes[i] = readText(className!);
    this.scores[i] = readFloat8(score!);
    this.classScores[i] = scores === null || scores === undefined ? null : readFloat8Array(scores);
    this.latencyMs[i] = readFloat8(latency!);
    this.errors[i] = readText(error!);
    this.segments[i] = readJsonText(segment!);
    this.numbers.push(...readFloat8Array(num!));
    this.numberAt[i + 1] = this.numbers.length;
    this.texts.push(...readTextArray(cat!));
    this.textAt[i + 1] = this.texts.length;
    this.invalid[i] = invalid === null || invalid === undefined ? null : readInt2Array(invalid);
    this.labels[i] = labelled?.[0] === 1 ? { className: readText(label!), value: readFloat8(value!) } : null;
  }

  done(): LabelledBatch {
    const { rows } = this;
    return {
      batch: {
        rows,
        targets: new Array<ModelTarget>(rows).fill(this.target),
        index: Int32Array.from({ length: rows }, (_, i) => i),
        timeMs: this.timeMs.subarray(0, rows),
        ids: this.ids,
        idTexts: this.idTexts,
        stamped: new Uint8Array(rows),
        predictions: this.predictions,
        classes: this.classes,
        scores: this.scores,
        classScores: this.classScores,
        latencyMs: this.latencyMs,
        errors: this.errors,
        segments: this.segments,
        numbers: Float64Array.from(this.numbers),
        numberAt: this.numberAt,
        texts: this.texts,
        textAt: this.textAt,
        invalid: this.invalid,
      },
      labels: this.labels,
    };
  }
}
