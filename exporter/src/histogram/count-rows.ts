import { emptyBucket } from './bucket-codec.ts';
import type { BucketCounts } from './bucket-codec.ts';
import { countLabel } from './count-label.ts';
import type { Label, PredictedOutcome } from './count-label.ts';
import type { FeatureCounts } from './counts.ts';
import { CLASS_COLUMN, SCORE_COLUMN } from './model-columns.ts';
import type { BinnedBatch, PredictionBatch } from './prediction-batch.ts';
import { MINUTE_MS } from './time-bucket.ts';
import { Traffic } from './traffic.ts';

/** The sums of rows, whichever way their counts are kept. */
export type RowSums = Pick<FeatureCounts, 'scoreSum' | 'confidenceRows' | 'confidenceSum'> & {
  readonly tails: Map<number, number>;
};

/** Counts one binned row: cells, sums and its minute. */
export function countRow(
  features: FeatureCounts,
  minutes: Map<number, Traffic>,
  binned: BinnedBatch,
  row: number,
  minute: number,
  tails: readonly number[] | undefined,
): void {
  const codeAt = binned.codeAt[row]!;
  const columns = binned.codeAt[row + 1]! - codeAt;
  features.ensureColumns(columns);
  features.reserve(1);
  const { counts } = features;
  for (let column = 0; column < columns; column++) {
    const cell = (column << 8) | binned.codes[codeAt + column]!;
    counts[cell] = counts[cell]! + 1;
  }
  features.countPositive(
    binned.codes[codeAt + SCORE_COLUMN]!,
    binned.codes[codeAt + CLASS_COLUMN]!,
    binned.batch.targets[row]!.positiveClass,
  );
  features.rows++;
  addSums(features, binned, row, tails);
  minuteOf(minutes, minute).addRow(binned.errorCodes[row]!, binned.batch.latencyMs[row]! / 1000);
}

export function addSums(into: RowSums, binned: BinnedBatch, row: number, tails: readonly number[] | undefined): void {
  if (Number.isFinite(binned.driftScores[row]!)) into.scoreSum += binned.driftScores[row]!;
  if (Number.isFinite(binned.confidences[row]!)) {
    into.confidenceRows++;
    into.confidenceSum += binned.confidences[row]!;
  }
  if (tails === undefined) return;
  for (let t = 0; t < tails.length; t += 2) {
    const column = tails[t]!;
    const cell = (column << 8) | binned.codes[binned.codeAt[row]! + column]!;
    into.tails.set(cell, (into.tails.get(cell) ?? 0) + tails[t + 1]!);
  }
}

export function minuteOf(minutes: Map<number, Traffic>, minute: number): Traffic {
  let traffic = minutes.get(minute);
  if (traffic === undefined) minutes.set(minute, (traffic = new Traffic()));
  return traffic;
}

/** Tails of a batch by row: pairs (column, value). */
export function tailsByRow({ tails }: BinnedBatch): ReadonlyMap<number, readonly number[]> {
  const byRow = new Map<number, number[]>();
  for (let t = 0; t < tails.length; t += 3) {
    const list = byRow.get(tails[t]!);
    if (list === undefined) byRow.set(tails[t]!, [tails[t + 1]!, tails[t + 2]!]);
    else list.push(tails[t + 1]!, tails[t + 2]!);
  }
  return byRow;
}

/**
 * Counts all rows of a batch into one bucket, as a baseline does.
 *
 * @param labels by row; null: without a label
 * @param startMinute start of the bucket in minutes since the epoch; null: everything in its minute 0
 */
export function countBatch(
  into: BucketCounts,
  binned: BinnedBatch,
  labels: readonly (Label | null)[] | null,
  startMinute: number | null,
): void {
  const tails = tailsByRow(binned);
  for (let i = 0; i < binned.batch.rows; i++) countOne(into, binned, i, labels?.[i] ?? null, startMinute, tails.get(i));
}

/** The same, of the rows of each segment apart; everything in minute 0. Segments without rows are not added. */
export function countSegments(
  into: Map<number, BucketCounts>,
  binned: BinnedBatch,
  labels: readonly (Label | null)[],
): void {
  if (binned.segmentIds === null) return;
  const tails = tailsByRow(binned);
  for (const [i, segmentIds] of binned.segmentIds.entries())
    for (const segmentId of segmentIds) {
      let counts = into.get(segmentId);
      if (counts === undefined) into.set(segmentId, (counts = emptyBucket(0)));
      countOne(counts, binned, i, labels[i] ?? null, null, tails.get(i));
    }
}

/** Counts each row of a batch into the bucket that `pick` names; everything in minute 0. */
export function countApart(
  pick: (row: number) => BucketCounts,
  binned: BinnedBatch,
  labels: readonly (Label | null)[],
): void {
  const tails = tailsByRow(binned);
  for (let i = 0; i < binned.batch.rows; i++) countOne(pick(i), binned, i, labels[i] ?? null, null, tails.get(i));
}

/** A row as its label is judged by. */
export function outcomeOf(batch: PredictionBatch, row: number): PredictedOutcome {
  return {
    prediction: batch.predictions[row]!,
    className: batch.classes[row] ?? null,
    score: batch.scores[row]!,
    scores: batch.classScores[row] ?? null,
  };
}

function countOne(
  into: BucketCounts,
  binned: BinnedBatch,
  row: number,
  label: Label | null,
  startMinute: number | null,
  tails: readonly number[] | undefined,
): void {
  const { batch } = binned;
  const minute = startMinute === null ? 0 : Math.floor(batch.timeMs[row]! / MINUTE_MS) - startMinute;
  countRow(into.features, into.minutes, binned, row, minute, tails);
  if (label !== null) countLabel(into.performance, batch.targets[row]!, outcomeOf(batch, row), label, NaN);
}
