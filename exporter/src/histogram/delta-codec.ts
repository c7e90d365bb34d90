import { ByteReader, ByteWriter } from './bytes.ts';
import { addSums, countRow, minuteOf, tailsByRow } from './count-rows.ts';
import type { RowSums } from './count-rows.ts';
import { FeatureCounts } from './counts.ts';
import { CLASS_COLUMN, SCORE_COLUMN } from './model-columns.ts';
import type { PerformanceCounts } from './performance-counts.ts';
import type { BinnedBatch } from './prediction-batch.ts';
import { WHOLE } from './segments.ts';
import {
  readFeatures,
  readMinutes,
  readPerformance,
  readSums,
  writeFeatures,
  writeMinutes,
  writePerformance,
  writeSums,
} from './sparse-codec.ts';
import type { CellSink } from './sparse-codec.ts';
import { bucketStart, MINUTE_MS } from './time-bucket.ts';
import type { Traffic } from './traffic.ts';

/**
 * The payload of one statistics_delta row: all that one commit adds to the statistics, of however many models.
 *
 *   u8 format | varint base (minutes since the epoch)
 *   varint n, n x directory entry, n x body             predictions
 *   varint n, n x performance group                     labels
 *   varint n, n x (varint model, varint count)          labels that found no prediction
 *
 *   directory entry   = varint version, varint scheme, zigzag (bucket start - base), varint bucket minutes,
 *                       varint rows << 1 | layout, varint newest row (ms after the bucket's start), varint body length, [varint segment]
 *   body, ROWS        = varint columns, rows x (u8 minute, u8 error, f32 latency ms, columns x u8 code), then tails and sums as below
 *   body, COUNTS      = features, minutes (sparse-codec)
 *   performance group = varint version, varint scheme, zigzag (bucket start - base), varint bucket minutes, u8 kind,
 *                       f64 newest label (epoch ms), [varint segment,] performance (sparse-codec)
 *
 * Few rows of a group cost least as their codes, many as counts: 28 B a row of 20 features against 126 B for a group of one as counts.
 */
const FORMAT = 4;
/** With a varint segment at the end of each directory entry and performance group: only commits that have segments pay for them. */
const FORMAT_SEGMENTS = 5;
/** Those that have the segments: format 3 is 2, which 4 is but for its sparse columns, with them. */
const WITH_SEGMENTS: readonly number[] = [3, FORMAT_SEGMENTS];
const LAYOUT_ROWS = 0;
const LAYOUT_COUNTS = 1;
/** Measured break-even of the two layouts for 20 features. */
const ROWS_LAYOUT_MAX = 96;

export type LabelChange = 'new' | 'removed' | 'corrected';
const LABEL_CHANGES: readonly LabelChange[] = ['new', 'removed', 'corrected'];

export interface GroupKey {
  readonly versionId: number;
  readonly schemeId: number;
  /** WHOLE: all predictions of the version. */
  readonly segmentId: number;
  /** Minutes since the epoch. */
  readonly bucketStart: number;
  readonly bucketMinutes: number;
}

/** Performance counts of one bucket (the bucket of the PREDICTIONS), to be added or taken out. */
export interface PerformanceGroup extends GroupKey {
  readonly change: LabelChange;
  readonly newestLabelMs: number;
  readonly counts: PerformanceCounts;
}

export interface LabelDelta {
  readonly groups: readonly PerformanceGroup[];
  /** Labels that found no prediction, by model id. */
  readonly unmatched: ReadonlyMap<number, number>;
}

const NO_LABELS: LabelDelta = { groups: [], unmatched: new Map() };

interface Group extends GroupKey {
  readonly columns: number;
  newestMs: number;
  /** Rows of the group, see memberOf, in order: up to 4,096 batches of up to a million rows. */
  readonly members: number[];
}
/** Of a row beside its codes: minute, error, latency. */
const ROW_BYTES = 6;
const ROW_BITS = 20;
const ROW_MASK = (1 << ROW_BITS) - 1;
const memberOf = (batch: number, row: number) => (batch << ROW_BITS) | row;

const directory = new ByteWriter();
const bodies = new ByteWriter(1 << 20);

/**
 * @param stored per batch, null for "every row was stored", else 1 for the rows that were
 */
export function encodePredictionDelta(batches: readonly BinnedBatch[], stored: readonly (Uint8Array | null)[]): Buffer {
  const groups = groupRows(batches, stored);
  const base = writeHeader(groups);
  directory.need(8);
  directory.varint(groups.length);
  bodies.length = 0;
  const tails = tailsByMember(batches);
  const withSegments = segmented(groups);
  for (const group of groups) {
    writeGroup(group, base, batches, tails);
    if (withSegments) directory.varint(group.segmentId);
  }
  directory.append(bodies);
  writeLabels(NO_LABELS, base);
  return directory.take();
}

export function encodeLabelDelta(labels: LabelDelta): Buffer {
  const base = writeHeader(labels.groups);
  directory.need(8);
  directory.varint(0);
  writeLabels(labels, base);
  return directory.take();
}

/** Returns the base of the minutes: those of the earliest bucket. */
function writeHeader(groups: readonly GroupKey[]): number {
  const earliest = groups.reduce((least, group) => Math.min(least, group.bucketStart), Infinity);
  const base = Number.isFinite(earliest) ? earliest : 0;
  directory.length = 0;
  directory.u8(segmented(groups) ? FORMAT_SEGMENTS : FORMAT);
  directory.varint(base);
  return base;
}

function segmented(groups: readonly GroupKey[]): boolean {
  return groups.some(({ segmentId }) => segmentId !== WHOLE);
}

function groupRows(batches: readonly BinnedBatch[], stored: readonly (Uint8Array | null)[]): Group[] {
  const byKey = new Map<number, Group>();
  const ofSegments = new Map<string, Group>();
  const groups: Group[] = [];
  const make = (binned: BinnedBatch, i: number, start: number, segmentId: number): Group => {
    const target = binned.batch.targets[i]!;
    const group = {
      versionId: target.versionId,
      schemeId: target.scheme.id,
      segmentId,
      bucketStart: start,
      bucketMinutes: target.bucketMinutes,
      columns: binnedColumns(binned, i),
      newestMs: 0,
      members: [],
    };
    groups.push(group);
    return group;
  };
  let lastKey = NaN;
  let group: Group | undefined;
  batches.forEach((binned, b) => {
    const { batch, segmentIds } = binned;
    const keep = stored[b] ?? null;
    for (let i = 0; i < batch.rows; i++) {
      if (keep !== null && keep[i] === 0) continue;
      const target = batch.targets[i]!;
      const start = bucketStart(batch.timeMs[i]!, target.bucketMinutes);
      // Version ids stay below 2^26 and minutes since the epoch below 2^26 until 2097.
      const key = target.versionId * 67_108_864 + start;
      if (key !== lastKey || group === undefined) {
        lastKey = key;
        group = byKey.get(key);
        if (group === undefined) byKey.set(key, (group = make(binned, i, start, WHOLE)));
      }
      addMember(group, b, batch.timeMs[i]!, i);
      if (segmentIds === null) continue;
      for (const segmentId of segmentIds[i]!) {
        const name = `${key}/${segmentId}`;
        let of = ofSegments.get(name);
        if (of === undefined) ofSegments.set(name, (of = make(binned, i, start, segmentId)));
        addMember(of, b, batch.timeMs[i]!, i);
      }
    }
  });
  return groups;
}

function addMember(group: Group, batch: number, timeMs: number, row: number): void {
  group.members.push(memberOf(batch, row));
  group.newestMs = Math.max(group.newestMs, timeMs - group.bucketStart * MINUTE_MS);
}

function binnedColumns(binned: BinnedBatch, row: number): number {
  return binned.codeAt[row + 1]! - binned.codeAt[row]!;
}

function tailsByMember(batches: readonly BinnedBatch[]): ReadonlyMap<number, readonly number[]> {
  const byMember = new Map<number, readonly number[]>();
  batches.forEach((binned, b) => {
    for (const [row, tails] of tailsByRow(binned)) byMember.set(memberOf(b, row), tails);
  });
  return byMember;
}

function writeGroup(
  group: Group,
  base: number,
  batches: readonly BinnedBatch[],
  tails: ReadonlyMap<number, readonly number[]>,
): void {
  const rows = group.members.length;
  // Rows of an older feature set have fewer columns than later ones of the same group; counts take both.
  const uniform = group.members.every((m) => binnedColumns(batches[m >>> ROW_BITS]!, m & ROW_MASK) === group.columns);
  const layout = rows <= ROWS_LAYOUT_MAX && uniform ? LAYOUT_ROWS : LAYOUT_COUNTS;
  const from = bodies.length;
  if (layout === LAYOUT_ROWS) writeRows(group, batches, tails);
  else writeCounts(group, batches, tails);
  directory.need(48);
  directory.varint(group.versionId);
  directory.varint(group.schemeId);
  directory.zigzag(group.bucketStart - base);
  directory.varint(group.bucketMinutes);
  directory.varint(rows * 2 + layout);
  directory.varint(group.newestMs);
  directory.varint(bodies.length - from);
}

function writeRows(group: Group, batches: readonly BinnedBatch[], tails: ReadonlyMap<number, readonly number[]>): void {
  const { members, columns } = group;
  const sums: RowSums = { tails: new Map(), scoreSum: 0, confidenceRows: 0, confidenceSum: 0 };
  bodies.need(32 + members.length * (6 + columns));
  bodies.varint(columns);
  for (const member of members) {
    const binned = batches[member >>> ROW_BITS]!;
    const i = member & ROW_MASK;
    bodies.u8(Math.floor(binned.batch.timeMs[i]! / MINUTE_MS) - group.bucketStart);
    bodies.u8(binned.errorCodes[i]!);
    bodies.f32(binned.batch.latencyMs[i]!);
    const { bytes } = bodies;
    const at = bodies.length;
    const codeAt = binned.codeAt[i]!;
    for (let column = 0; column < columns; column++) bytes[at + column] = binned.codes[codeAt + column]!;
    bodies.length += columns;
    addSums(sums, binned, i, tails.get(member));
  }
  writeSums(bodies, sums);
}

function writeCounts(
  group: Group,
  batches: readonly BinnedBatch[],
  tails: ReadonlyMap<number, readonly number[]>,
): void {
  const features = new FeatureCounts(group.columns);
  const minutes = new Map<number, Traffic>();
  for (const member of group.members) {
    const binned = batches[member >>> ROW_BITS]!;
    const i = member & ROW_MASK;
    countRow(
      features,
      minutes,
      binned,
      i,
      Math.floor(binned.batch.timeMs[i]! / MINUTE_MS) - group.bucketStart,
      tails.get(member),
    );
  }
  writeFeatures(bodies, features);
  writeMinutes(bodies, minutes);
}

function writeLabels(labels: LabelDelta, base: number): void {
  directory.need(8);
  directory.varint(labels.groups.length);
  const withSegments = segmented(labels.groups);
  for (const group of labels.groups) {
    directory.need(48);
    directory.varint(group.versionId);
    directory.varint(group.schemeId);
    directory.zigzag(group.bucketStart - base);
    directory.varint(group.bucketMinutes);
    directory.u8(LABEL_CHANGES.indexOf(group.change));
    directory.f64(group.newestLabelMs);
    if (withSegments) directory.varint(group.segmentId);
    writePerformance(directory, group.counts);
  }
  directory.need(8 + labels.unmatched.size * 10);
  directory.varint(labels.unmatched.size);
  for (const [modelId, count] of labels.unmatched) {
    directory.varint(modelId);
    directory.varint(count);
  }
}

/** Counts of the group's bucket, and what grows for ever beside it (null for a recount, which is counted already, and for segments). */
export interface PredictionSink {
  readonly features: FeatureCounts;
  readonly minutes: Map<number, Traffic>;
  /** Class code; -1: none. */
  readonly positiveClass: number;
  readonly totals: { readonly cells: CellSink; readonly traffic: Traffic } | null;
}

/** Where a delta is added to. A method that returns null skips the group (a version that was deleted). */
export interface DeltaSink {
  readonly predictions: (key: GroupKey, rows: number, newestMs: number) => PredictionSink | null;
  readonly performance: (group: PerformanceGroup) => void;
  readonly unmatched: (modelId: number, count: number) => void;
}

/** Applies one delta; returns the number of prediction rows it counts. Throws on a payload that is not whole. */
export function applyDelta(payload: Uint8Array, sink: DeltaSink): number {
  const reader = new ByteReader(payload);
  reader.format = reader.u8();
  if (reader.format < 1 || reader.format > FORMAT_SEGMENTS)
    throw new RangeError(`statistics delta of format ${reader.format}, this version knows 1 to ${FORMAT_SEGMENTS}`);
  const base = reader.varint();
  const entries = readDirectory(reader, base);
  let rows = 0;
  for (const entry of entries) {
    if (entry.segmentId === WHOLE) rows += entry.rows;
    const end = reader.at + entry.length;
    const into = sink.predictions(entry, entry.rows, entry.newestMs);
    if (into !== null) {
      if (entry.layout === LAYOUT_ROWS) readRows(reader, entry.rows, into);
      else {
        into.features.reserve(entry.rows);
        readFeatures(reader, into.features, into.totals?.cells);
        readMinutes(reader, into.minutes, into.totals?.traffic);
        into.features.rows += entry.rows;
      }
      if (reader.at !== end)
        throw new RangeError('statistics delta: a body does not have the length of its directory entry');
    }
    reader.at = end;
  }
  applyLabels(reader, base, sink);
  if (reader.at !== payload.length) throw new RangeError('statistics delta: bytes after its end');
  return rows;
}

interface Entry extends GroupKey {
  readonly rows: number;
  readonly layout: number;
  readonly newestMs: number;
  readonly length: number;
}

function readDirectory(reader: ByteReader, base: number): Entry[] {
  const entries: Entry[] = [];
  for (let count = reader.varint(); count > 0; count--) {
    const versionId = reader.varint();
    const schemeId = reader.varint();
    const start = base + reader.zigzag();
    const bucketMinutes = reader.varint();
    const rowsAndLayout = reader.varint();
    const newestMs = start * MINUTE_MS + reader.varint();
    const length = reader.varint();
    const segmentId = WITH_SEGMENTS.includes(reader.format) ? reader.varint() : WHOLE;
    entries.push({
      versionId,
      schemeId,
      segmentId,
      bucketStart: start,
      bucketMinutes,
      rows: rowsAndLayout >>> 1,
      layout: rowsAndLayout & 1,
      newestMs,
      length,
    });
  }
  return entries;
}

function readRows(
  reader: ByteReader,
  rows: number,
  { features, minutes, totals, positiveClass }: PredictionSink,
): void {
  const columns = reader.countOf(1);
  reader.expect(rows * (ROW_BYTES + columns));
  features.ensureColumns(columns);
  features.reserve(rows);
  const { counts } = features;
  const { bytes } = reader;
  for (let row = 0; row < rows; row++) {
    const traffic = minuteOf(minutes, reader.u8());
    const error = reader.u8();
    const latencySeconds = reader.f32() / 1000;
    traffic.addRow(error, latencySeconds);
    const at = reader.at;
    for (let column = 0; column < columns; column++) {
      const cell = (column << 8) | bytes[at + column]!;
      counts[cell] = counts[cell]! + 1;
    }
    features.countPositive(bytes[at + SCORE_COLUMN]!, bytes[at + CLASS_COLUMN]!, positiveClass);
    if (totals !== null) {
      totals.traffic.addRow(error, latencySeconds);
      for (let column = 0; column < columns; column++) totals.cells.count(column, bytes[at + column]!, 1);
    }
    reader.at = at + columns;
  }
  features.rows += rows;
  readSums(reader, features);
}

function applyLabels(reader: ByteReader, base: number, sink: DeltaSink): void {
  for (let count = reader.varint(); count > 0; count--) {
    const versionId = reader.varint();
    const schemeId = reader.varint();
    const start = base + reader.zigzag();
    const bucketMinutes = reader.varint();
    const change = LABEL_CHANGES[reader.u8()];
    if (change === undefined) throw new RangeError('statistics delta: unknown kind of label change');
    const newestLabelMs = reader.f64();
    const segmentId = WITH_SEGMENTS.includes(reader.format) ? reader.varint() : WHOLE;
    sink.performance({
      versionId,
      schemeId,
      segmentId,
      bucketStart: start,
      bucketMinutes,
      change,
      newestLabelMs,
      counts: readPerformance(reader),
    });
  }
  for (let count = reader.varint(); count > 0; count--) sink.unmatched(reader.varint(), reader.varint());
}

/** The groups that a delta touches, so that buckets and schemes that are not in memory can be fetched before it is applied. */
export function deltaKeys(payload: Uint8Array): GroupKey[] {
  const keys: GroupKey[] = [];
  applyDelta(payload, {
    predictions: (key) => {
      keys.push(key);
      return null;
    },
    performance: (group) => keys.push(group),
    unmatched: () => undefined,
  });
  return keys;
}
