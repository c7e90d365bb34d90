import { CODES } from './bin-scheme.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { FeatureCounts } from './counts.ts';
import { PerformanceCounts } from './performance-counts.ts';
import { Traffic } from './traffic.ts';
import type { TrafficCounts } from './traffic.ts';

/**
 * Bytes of counts. A column is sparse (the occupied codes, by their gaps) or dense (counts up to the last one), whichever is shorter;
 * everything is a varint but the sums. Reading ADDS to what is there, so that a window is read straight from the bytes of its buckets.
 *
 *   features    = varint columns, column*, column of positives (from format 2 on), varint tails, tails x (varint column, u8 code, f64 sum),
 *                 f64 score sum, varint confidence rows, f64 confidence sum
 *   column      = u8 2, varint k, then nibbles, low before high: k x (gap 0..6 << 1 | more, [count - 2] when there is more than one)
 *                 where a gap of 7 stands for 7 codes without count before the next gap, and count - 2 has 3 bits a nibble, 8: there are more
 *               | u8 1, varint length, length x varint count
 *               | u8 0, varint k, k x (varint gap, varint count)                  (buckets up to format 3, deltas up to 3)
 *   minutes     = varint m, m x (varint minute of the bucket, traffic)
 *   traffic     = varint rows, varint kinds, kinds x (u8 error, varint count), varint timed rows,
 *                 [f64 sum, f64 log sum, f64 log square sum, f64 max, pairs] when there are timed rows
 *   performance = see writePerformance
 *   pairs       = varint k, k x (varint gap, varint count), keys ascending
 */
const PAIRS = 0;
const DENSE = 1;
const SPARSE = 2;
/** Gap of a nibble that stands for a step without a count. */
const SKIP = 7;
const MAX_VARINT = 5;
/** Of the four sums of a traffic that has timed rows. */
const TRAFFIC_SUMS_BYTES = 32;
const LEAST_COLUMN_BYTES = 2;
const occupied = new Uint8Array(CODES);

export function writeFeatures(writer: ByteWriter, features: FeatureCounts): void {
  writer.need(64 + (features.columns + 1) * (2 + CODES * MAX_VARINT) + features.tails.size * 14);
  writer.varint(features.columns);
  for (let column = 0; column < features.columns; column++) writeColumn(writer, features.counts, column * CODES);
  writeColumn(writer, features.positives, 0);
  writeSums(writer, features);
}

/** What of a stretch of time is a sum of doubles, not a count. */
type Sums = Pick<FeatureCounts, 'scoreSum' | 'confidenceRows' | 'confidenceSum'> & {
  readonly tails: ReadonlyMap<number, number>;
};

export function writeSums(writer: ByteWriter, sums: Sums): void {
  writer.need(32 + sums.tails.size * 14);
  writer.varint(sums.tails.size);
  for (const [cell, sum] of sums.tails) {
    writer.varint(cell >>> 8);
    writer.u8(cell & 255);
    writer.f64(sum);
  }
  writer.f64(sums.scoreSum);
  writer.varint(sums.confidenceRows);
  writer.f64(sums.confidenceSum);
}

function writeColumn(writer: ByteWriter, counts: FeatureCounts['counts'], from: number): void {
  let found = 0;
  let nibbles = 0;
  let previous = 0;
  for (let code = 0; code < CODES; code++) {
    const count = counts[from + code]!;
    if (count === 0) continue;
    occupied[found++] = code;
    nibbles += 1 + Math.floor((code - previous) / SKIP);
    for (let rest = count - 2; rest >= 0; rest = rest < 8 ? -1 : Math.floor(rest / 8)) nibbles++;
    previous = code;
  }
  const length = found === 0 ? 0 : previous + 1;
  if (nibbles <= 2 * length) {
    writer.u8(SPARSE);
    writer.varint(found);
    writeNibbles(writer, counts, from, found);
  } else {
    writer.u8(DENSE);
    writer.varint(length);
    for (let code = 0; code < length; code++) writer.varint(counts[from + code]!);
  }
}

/** Of the occupied codes. */
function writeNibbles(writer: ByteWriter, counts: FeatureCounts['counts'], from: number, found: number): void {
  const { bytes } = writer;
  let at = writer.length * 2;
  const put = (nibble: number) => {
    if ((at & 1) === 0) bytes[at >>> 1] = nibble;
    else bytes[at >>> 1] = bytes[at >>> 1]! | (nibble << 4);
    at++;
  };
  let previous = 0;
  for (let i = 0; i < found; i++) {
    const code = occupied[i]!;
    const count = counts[from + code]!;
    let gap = code - previous;
    for (; gap >= SKIP; gap -= SKIP) put(SKIP << 1);
    put((gap << 1) | Number(count > 1));
    previous = code;
    if (count === 1) continue;
    let rest = count - 2;
    for (; rest >= 8; rest = Math.floor(rest / 8)) put((rest % 8) | 8);
    put(rest);
  }
  writer.length = (at + 1) >>> 1;
}

/** Told of every cell that is read, beside its being added. */
export interface CellSink {
  count(column: number, code: number, rows: number): void;
}

export function readFeatures(reader: ByteReader, into: FeatureCounts, also?: CellSink): void {
  const columns = reader.countOf(LEAST_COLUMN_BYTES);
  into.ensureColumns(columns);
  const { counts } = into;
  for (let column = 0; column < columns; column++) readColumn(reader, counts, column, also);
  if (reader.format >= 2) readColumn(reader, into.positives, 0, undefined);
  readSums(reader, into);
}

export function readSums(reader: ByteReader, into: FeatureCounts): void {
  for (let tails = reader.varint(); tails > 0; tails--) {
    const column = reader.varint();
    into.addTail(column, reader.u8(), reader.f64());
  }
  into.scoreSum += reader.f64();
  into.confidenceRows += reader.varint();
  into.confidenceSum += reader.f64();
}

function readColumn(
  reader: ByteReader,
  counts: FeatureCounts['counts'],
  column: number,
  also: CellSink | undefined,
): void {
  const kind = reader.u8();
  const length = reader.varint();
  if (kind === DENSE) readDense(reader, counts, column, length, also);
  else if (kind === SPARSE) readSparse(reader, counts, column, length, also);
  else if (kind === PAIRS) readPairsOf(reader, counts, column, length, also);
  else throw new RangeError(`statistics payload: unknown kind of column ${kind}`);
}

/** Nearly all that is read is read here and in readSparse: a byte at a time, and the rare longer varint by the reader. */
function readDense(
  reader: ByteReader,
  counts: FeatureCounts['counts'],
  column: number,
  length: number,
  also: CellSink | undefined,
): void {
  const { bytes } = reader;
  const from = column * CODES;
  let { at } = reader;
  requireCode(length - 1);
  reader.expect(length);
  for (let code = 0; code < length; code++) {
    let rows = bytes[at]!;
    if (rows < 128) at++;
    else {
      reader.at = at;
      rows = reader.varint();
      at = reader.at;
    }
    counts[from + code] = counts[from + code]! + rows;
    if (also !== undefined && rows > 0) also.count(column, code, rows);
  }
  reader.at = at;
  reader.expect(0);
}

function readSparse(
  reader: ByteReader,
  counts: FeatureCounts['counts'],
  column: number,
  length: number,
  also: CellSink | undefined,
): void {
  const { bytes } = reader;
  const from = column * CODES;
  let at = reader.at * 2;
  let code = 0;
  requireCode(length - 1);
  for (let left = length; left > 0;) {
    const nibble = nibbleAt(bytes, at);
    at++;
    code += nibble >>> 1;
    if (nibble === SKIP << 1) continue;
    left--;
    let rows = 1;
    if ((nibble & 1) === 1) {
      rows = 2;
      for (let scale = 1, more = true; more; scale *= 8) {
        const part = nibbleAt(bytes, at);
        at++;
        rows += (part & 7) * scale;
        more = part > 7;
      }
    }
    counts[from + code] = counts[from + code]! + rows;
    if (also !== undefined) also.count(column, code, rows);
  }
  requireCode(code);
  reader.at = (at + 1) >>> 1;
  reader.expect(0);
}

/** @param at in nibbles */
function nibbleAt(bytes: Uint8Array, at: number): number {
  return (bytes[at >>> 1]! >>> ((at & 1) << 2)) & 15;
}

function readPairsOf(
  reader: ByteReader,
  counts: FeatureCounts['counts'],
  column: number,
  length: number,
  also: CellSink | undefined,
): void {
  const from = column * CODES;
  let code = 0;
  for (let i = 0; i < length; i++) {
    code += reader.varint();
    const rows = reader.varint();
    counts[from + code] = counts[from + code]! + rows;
    if (also !== undefined && rows > 0) also.count(column, code, rows);
  }
  requireCode(code);
}

/** Codes go up: the last of a damaged payload tells that some were counted in the next column. */
function requireCode(code: number): void {
  if (code >= CODES) throw new RangeError(`statistics payload: code ${code} of a column`);
}

/** Minute of the bucket -> traffic. */
export function writeMinutes(writer: ByteWriter, minutes: ReadonlyMap<number, Traffic>): void {
  writer.need(MAX_VARINT);
  writer.varint(minutes.size);
  for (const [minute, traffic] of minutes) {
    writer.need(MAX_VARINT);
    writer.varint(minute);
    writeTraffic(writer, traffic);
  }
}

export function readMinutes(reader: ByteReader, into: Map<number, Traffic>, also?: Traffic): void {
  for (let count = reader.varint(); count > 0; count--) {
    const minute = reader.varint();
    const read = new Traffic();
    readTraffic(reader, read);
    also?.add(read);
    const known = into.get(minute);
    if (known === undefined) into.set(minute, read);
    else known.add(read);
  }
}

/** Adds those in [from, to), and reads over the others. */
export function addMinutes(reader: ByteReader, from: number, to: number, into: TrafficCounts): void {
  for (let count = reader.varint(); count > 0; count--) {
    const minute = reader.varint();
    if (minute >= from && minute < to) readTraffic(reader, into);
    else skipTraffic(reader);
  }
}

export function skipMinutes(reader: ByteReader): void {
  for (let count = reader.varint(); count > 0; count--) {
    reader.varint();
    skipTraffic(reader);
  }
}

function writeTraffic(writer: ByteWriter, traffic: Traffic): void {
  writer.need(64 + traffic.errors.size * 6);
  writer.varint(traffic.rows);
  writer.varint(traffic.errors.size);
  for (const [code, count] of traffic.errors) {
    writer.u8(code);
    writer.varint(count);
  }
  writer.varint(traffic.latencyRows);
  if (traffic.latencyRows === 0) return;
  writer.f64(traffic.latencySum);
  writer.f64(traffic.logSum);
  writer.f64(traffic.logSquareSum);
  writer.f64(traffic.maxSeconds);
  writeSorted(writer, traffic.latency.size, traffic.latency);
}

function skipTraffic(reader: ByteReader): void {
  reader.varint();
  for (let kinds = reader.varint(); kinds > 0; kinds--) {
    reader.u8();
    reader.varint();
  }
  if (reader.varint() === 0) return;
  reader.at += TRAFFIC_SUMS_BYTES;
  for (let pairs = reader.varint(); pairs > 0; pairs--) {
    reader.varint();
    reader.varint();
  }
}

function readTraffic(reader: ByteReader, into: TrafficCounts): void {
  into.rows += reader.varint();
  for (let kinds = reader.varint(); kinds > 0; kinds--) {
    const code = reader.u8();
    into.errors.add(code, reader.varint());
  }
  const timed = reader.varint();
  if (timed === 0) return;
  into.latencyRows += timed;
  into.latencySum += reader.f64();
  into.logSum += reader.f64();
  into.logSquareSum += reader.f64();
  into.maxSeconds = Math.max(into.maxSeconds, reader.f64());
  let latencyCode = 0;
  for (let pairs = reader.varint(); pairs > 0; pairs--) {
    latencyCode += reader.varint();
    into.latency.add(latencyCode, reader.varint());
  }
}

/** Counts are never negative: deltas and buckets keep apart what was added and what was removed. */
export function writePerformance(writer: ByteWriter, performance: PerformanceCounts): void {
  writer.need(128);
  writer.varint(performance.labelled);
  if (performance.labelled === 0) return;
  writePairs(writer, performance.confusion);
  writePairs(writer, performance.scores);
  writePairs(writer, performance.delays);
  writePairs(writer, performance.decisions);
  writer.need(128);
  writer.f64(performance.delaySum);
  writer.varint(performance.scored);
  if (performance.scored > 0) {
    writer.varint(performance.positives);
    writer.f64(performance.scoreSum);
    writer.f64(performance.brierSum);
    writer.f64(performance.logLossSum);
  }
  writer.varint(performance.numeric);
  if (performance.numeric > 0) {
    writer.f64(performance.absoluteErrorSum);
    writer.f64(performance.squaredErrorSum);
    writer.f64(performance.errorSum);
    writer.f64(performance.labelMean);
    writer.f64(performance.labelM2);
  }
}

export function readPerformance(reader: ByteReader): PerformanceCounts {
  const performance = new PerformanceCounts();
  performance.labelled = reader.varint();
  if (performance.labelled === 0) return performance;
  readPairs(reader, performance.confusion);
  readPairs(reader, performance.scores);
  readPairs(reader, performance.delays);
  if (reader.format >= 2) readPairs(reader, performance.decisions);
  performance.delaySum = reader.f64();
  performance.scored = reader.varint();
  if (performance.scored > 0) {
    performance.positives = reader.varint();
    performance.scoreSum = reader.f64();
    performance.brierSum = reader.f64();
    performance.logLossSum = reader.f64();
  }
  performance.numeric = reader.varint();
  if (performance.numeric > 0) {
    performance.absoluteErrorSum = reader.f64();
    performance.squaredErrorSum = reader.f64();
    performance.errorSum = reader.f64();
    performance.labelMean = reader.f64();
    performance.labelM2 = reader.f64();
  }
  return performance;
}

function writePairs(writer: ByteWriter, counts: ReadonlyMap<number, number>): void {
  writeSorted(
    writer,
    counts.size,
    [...counts].sort(([a], [b]) => a - b),
  );
}

function writeSorted(writer: ByteWriter, size: number, pairs: Iterable<readonly [number, number]>): void {
  writer.need((1 + 2 * size) * MAX_VARINT);
  writer.varint(size);
  let previous = 0;
  for (const [code, count] of pairs) {
    writer.varint(code - previous);
    writer.varint(count);
    previous = code;
  }
}

function readPairs(reader: ByteReader, into: Map<number, number>): void {
  let key = 0;
  for (let pairs = reader.varint(); pairs > 0; pairs--) {
    key += reader.varint();
    into.set(key, (into.get(key) ?? 0) + reader.varint());
  }
}
