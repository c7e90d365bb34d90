import { binBatch } from '../../src/histogram/bin-batch.ts';
import { encodeLabelDelta, encodePredictionDelta } from '../../src/histogram/delta-codec.ts';
import type { LabelChange } from '../../src/histogram/delta-codec.ts';
import type { ModelTarget } from '../../src/histogram/model-target.ts';
import { PerformanceCounts } from '../../src/histogram/performance-counts.ts';
import { bucketStart } from '../../src/histogram/time-bucket.ts';

/** Payloads as intake commits them. */

/** One prediction of class `yes` with an age of 50, from the north, at each time; each took 100 ms. */
export function predictionDelta(
  target: ModelTarget,
  timesMs: readonly number[],
  segment: string | null = null,
): Buffer {
  const rows = timesMs.length;
  const batch = {
    rows,
    targets: timesMs.map(() => target),
    index: new Int32Array(rows),
    timeMs: Float64Array.from(timesMs),
    ids: Buffer.alloc(16 * rows),
    idTexts: timesMs.map(() => null),
    stamped: new Uint8Array(rows),
    predictions: new Float64Array(rows).fill(NaN),
    classes: timesMs.map(() => 'yes'),
    scores: new Float64Array(rows).fill(0.75),
    classScores: timesMs.map(() => null),
    latencyMs: new Float32Array(rows).fill(100),
    errors: timesMs.map(() => null),
    segments: timesMs.map(() => segment),
    numbers: Float64Array.from(timesMs.flatMap(() => [50, 400])),
    numberAt: Int32Array.from({ length: rows + 1 }, (_, i) => 2 * i),
    texts: timesMs.map(() => 'north'),
    textAt: Int32Array.from({ length: rows + 1 }, (_, i) => i),
    invalid: timesMs.map(() => null),
  };
  return encodePredictionDelta([binBatch(batch)], [null]);
}

/** So many labels, all of them right, of predictions at one time. */
export function labelDelta(target: ModelTarget, atMs: number, labelled: number, change: LabelChange = 'new'): Buffer {
  const counts = new PerformanceCounts();
  counts.labelled = labelled;
  counts.confusion.set(257, labelled);
  const group = {
    versionId: target.versionId,
    schemeId: target.scheme.id,
    segmentId: 0,
    bucketStart: bucketStart(atMs, target.bucketMinutes),
    bucketMinutes: target.bucketMinutes,
    change,
    newestLabelMs: atMs + 1_000,
    counts,
  };
  return encodeLabelDelta({ groups: [group], unmatched: new Map() });
}

export function unmatchedDelta(modelId: number, count: number): Buffer {
  return encodeLabelDelta({ groups: [], unmatched: new Map([[modelId, count]]) });
}
