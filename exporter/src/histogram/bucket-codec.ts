import { ByteReader, ByteWriter } from './bytes.ts';
import { FeatureCounts } from './counts.ts';
import { PerformanceCounts } from './performance-counts.ts';
import {
  addMinutes,
  readFeatures,
  readMinutes,
  readPerformance,
  skipMinutes,
  writeFeatures,
  writeMinutes,
  writePerformance,
} from './sparse-codec.ts';
import type { Traffic } from './traffic.ts';
import type { TrafficCounts } from './traffic.ts';
import { TrafficSum } from './traffic-sum.ts';

/**
 * The payload of a statistics_bucket row, and of a baseline: everything counted of one model version over one stretch of time.
 *
 *   u8 format | minutes | performance | removed performance | varint rows | features        (sparse-codec)
 *
 * Format 2 added rows by score and decision, which estimates of performance are made of; format 1 reads as having none. Format 3 keeps
 * apart what corrections and erasures took out: while a window is counted again, a label can be taken out before it is put in. Format 4
 * has shorter sparse columns.
 * Minutes and performance come first: a window of latency or labels is read without touching the features.
 */
const FORMAT = 4;

export interface BucketCounts {
  readonly features: FeatureCounts;
  /** Minute of the bucket, from 0, to its traffic. */
  readonly minutes: Map<number, Traffic>;
  /** What was put in; `removed` of it (null: none) was taken out again. */
  readonly performance: PerformanceCounts;
  removed: PerformanceCounts | null;
}

/** Parts that a baseline is kept in where its own spread is asked for: a power of two, so that neighbours merge evenly. */
export const BASELINE_CHUNKS = 64;

/** @param forRows see FeatureCounts */
export function emptyBucket(columns: number, forRows?: number): BucketCounts {
  return {
    features: new FeatureCounts(columns, forRows),
    minutes: new Map(),
    performance: new PerformanceCounts(),
    removed: null,
  };
}

/** The labelled predictions of a bucket: what was put in without what was taken out. */
export function addPerformance({ performance, removed }: BucketCounts, into: PerformanceCounts): void {
  into.merge(performance, 1);
  if (removed !== null) into.merge(removed, -1);
}

const NONE = new PerformanceCounts();
const writer = new ByteWriter(1 << 16);
/** Of one bucket at a time: ten kB of places for each of a day's would be a lot to collect. */
const sum = new TrafficSum();

export function encodeBucket({ features, minutes, performance, removed }: BucketCounts): Buffer {
  writer.length = 0;
  writer.u8(FORMAT);
  writeMinutes(writer, minutes);
  writePerformance(writer, performance);
  writePerformance(writer, removed ?? NONE);
  writer.need(5);
  writer.varint(features.rows);
  writeFeatures(writer, features);
  return writer.take();
}

/** Throws RangeError on bytes that are not a whole bucket. */
export function decodeBucket(bytes: Uint8Array): BucketCounts {
  const bucket = emptyBucket(0);
  const reader = begin(bytes);
  readMinutes(reader, bucket.minutes);
  bucket.performance.merge(readPerformance(reader), 1);
  const removed = readRemoved(reader);
  if (removed.labelled > 0) bucket.removed = removed;
  addFeatures(reader, bucket.features);
  if (reader.at !== bytes.length) throw new RangeError('statistics bucket: bytes after its end');
  return bucket;
}

/**
 * One bucket of a day out of the buckets within it (and of that day's, where it was begun before). Counts add; traffic is kept by the
 * hour, in the minute that the hour begins with.
 *
 * @param dayStart minutes since the epoch
 */
export function mergeToDay(
  dayStart: number,
  parts: readonly { readonly key: { readonly bucketStart: number }; readonly bytes: Uint8Array }[],
): BucketCounts {
  const day = emptyBucket(0);
  for (const { key, bytes } of parts) {
    const bucket = decodeBucket(bytes);
    day.features.add(bucket.features);
    addPerformance(bucket, day.performance);
    for (const [minute, traffic] of bucket.minutes) {
      const at = key.bucketStart - dayStart + minute;
      const hour = at - (at % 60);
      const known = day.minutes.get(hour);
      if (known === undefined) day.minutes.set(hour, traffic);
      else known.add(traffic);
    }
  }
  return day;
}

/** The same bucket with its traffic in one sum, in its minute 0: less than half of it where predictions come all the time. */
export function withoutMinutes(bytes: Uint8Array): Buffer {
  const reader = begin(bytes);
  sum.clear();
  addMinutes(reader, 0, Infinity, sum);
  const rest = bytes.subarray(reader.at);
  writer.length = 0;
  writer.u8(reader.format);
  writeMinutes(writer, sum.rows === 0 ? new Map() : new Map([[0, sum.total()]]));
  writer.need(rest.length);
  writer.bytes.set(rest, writer.length);
  writer.length += rest.length;
  return writer.take();
}

/** Adds only the traffic whose absolute minute lies in [from, to), and the performance when asked for. */
export function addBucketOutcomes(
  bytes: Uint8Array,
  bucketStart: number,
  span: { readonly from: number; readonly to: number },
  traffic: TrafficCounts | null,
  performance: PerformanceCounts | null,
): void {
  const reader = begin(bytes);
  if (traffic === null) skipMinutes(reader);
  else addMinutes(reader, span.from - bucketStart, span.to - bucketStart, traffic);
  if (performance === null) return;
  performance.merge(readPerformance(reader), 1);
  performance.merge(readRemoved(reader), -1);
}

/** Adds only the features. */
export function addBucketFeatures(bytes: Uint8Array, into: FeatureCounts): void {
  const reader = begin(bytes);
  skipMinutes(reader);
  readPerformance(reader);
  readRemoved(reader);
  addFeatures(reader, into);
}

function begin(bytes: Uint8Array): ByteReader {
  const reader = new ByteReader(bytes);
  reader.format = reader.u8();
  if (reader.format < 1 || reader.format > FORMAT)
    throw new RangeError(`statistics bucket of format ${reader.format}, this version knows 1 to ${FORMAT}`);
  return reader;
}

function readRemoved(reader: ByteReader): PerformanceCounts {
  return reader.format >= 3 ? readPerformance(reader) : NONE;
}

function addFeatures(reader: ByteReader, into: FeatureCounts): void {
  const rows = reader.varint();
  into.reserve(rows);
  into.rows += rows;
  readFeatures(reader, into);
}
