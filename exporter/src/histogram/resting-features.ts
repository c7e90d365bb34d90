import { CODES } from './bin-scheme.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { FeatureCounts } from './counts.ts';
import { readSums, writeSums } from './sparse-codec.ts';

/**
 * Feature counts as they rest in memory between two evaluations: a quarter of what they take spread out, and added as fast as a byte is
 * read. Never stored, so without a format of its own to be kept.
 *
 *   varint rows, varint columns, column*, column of positives, then tails and sums (sparse-codec)
 *   column = u8 planes 1..4, varint length, planes x length bytes: of each count the lowest 8 bits, the next 8, ...
 *          | u8 0, varint k, k x (u8 code, varint count)                where a few of the codes are occupied
 */
const writer = new ByteWriter(1 << 14);
const PAIRS = 0;

export function restFeatures(features: FeatureCounts): Buffer {
  writer.length = 0;
  writer.need(16 + (features.columns + 1) * (4 + 4 * CODES));
  writer.varint(features.rows);
  writer.varint(features.columns);
  for (let column = 0; column < features.columns; column++) writeColumn(features.counts, column * CODES);
  writeColumn(features.positives, 0);
  writeSums(writer, features);
  return writer.take();
}

function writeColumn(counts: FeatureCounts['counts'], from: number): void {
  let occupied = 0;
  let length = 0;
  let largest = 0;
  for (let code = 0; code < CODES; code++) {
    const count = counts[from + code]!;
    if (count === 0) continue;
    occupied++;
    length = code + 1;
    if (count > largest) largest = count;
  }
  const planes = largest < 2 ** 8 ? 1 : largest < 2 ** 16 ? 2 : 4;
  // A code and its count, a varint, are two bytes more than the count in planes at most.
  if (occupied * (planes + 2) < planes * length || length === 0) {
    writer.u8(PAIRS);
    writer.varint(occupied);
    for (let code = 0; code < length; code++) {
      if (counts[from + code] === 0) continue;
      writer.u8(code);
      writer.varint(counts[from + code]!);
    }
    return;
  }
  writer.u8(planes);
  writer.varint(length);
  const { bytes } = writer;
  for (let plane = 0; plane < planes; plane++)
    for (let code = 0; code < length; code++) bytes[writer.length++] = counts[from + code]! >>> (8 * plane);
}

/** Adds them to counts that have room for them: `into` of the widest cells, which is all that evaluations add to. */
export function addRestingFeatures(bytes: Uint8Array, into: FeatureCounts): void {
  const reader = new ByteReader(bytes);
  const rows = reader.varint();
  const columns = reader.varint();
  into.ensureColumns(columns);
  into.reserve(rows);
  into.rows += rows;
  const { counts } = into;
  if (!(counts instanceof Uint32Array)) throw new Error('resting features are added to cells of 32 bits only');
  for (let column = 0; column < columns; column++) readColumn(reader, counts, column * CODES);
  readColumn(reader, into.positives, 0);
  readSums(reader, into);
}

function readColumn(reader: ByteReader, counts: Uint32Array, from: number): void {
  const planes = reader.u8();
  const length = reader.varint();
  if (planes === PAIRS) {
    for (let pair = 0; pair < length; pair++) counts[from + reader.u8()]! += reader.varint();
    return;
  }
  const { bytes } = reader;
  let { at } = reader;
  for (let plane = 0; plane < planes; plane++, at += length)
    for (let code = 0; code < length; code++) {
      // The topmost bit makes the shifted byte negative: modulo 2^32, as cells count, that is the same.
      counts[from + code] = counts[from + code]! + (bytes[at + code]! << (8 * plane));
    }
  reader.at = at;
}
