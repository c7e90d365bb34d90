import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { CompressionCodec, DecodedArray, PageHeader } from 'hyparquet';
import { decompressLz4, decompressLz4Raw, decompressSnappy } from 'hyparquet-compressors';
import { convert, convertWithDictionary } from 'hyparquet/src/convert.js';
import { readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js';
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js';
import { readPlain } from 'hyparquet/src/plain.js';
import { readVarInt } from 'hyparquet/src/thrift.js';
import { ZSTDDecoder } from 'zstddec';
import { ServiceError } from '../../domain/service-error.ts';

/** What hyparquet needs to know of a column; its package does not name the type. */
export type ColumnDecoder = Parameters<typeof readDataPage>[2];
/** null stands for a value that is missing. */
export type CellValues = ArrayLike<unknown>;

/**
 * The reference decoder, as WebAssembly: Node.js has it from 22.15 only, and the ones in JavaScript go on for seconds over a page that asks
 * for more than it said. What it cannot decode has no bytes. Ready before the first page is read.
 */
export const zstd = new ZSTDDecoder();

/** Values that a bit-packed run may have beyond the page's: writers fill up to 63 groups of 8. */
const PADDING_VALUES = 504;

/** What of a page is known before a byte of it is decompressed; each number is the file's own word. */
export interface PageSize {
  readonly values: number;
  readonly bytes: number;
  readonly compressedBytes: number;
}

/** null: a page of another kind, to be passed over. Throws for numbers that cannot be. */
export function pageSize(header: PageHeader): PageSize | null {
  const of = header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header;
  const { uncompressed_page_size: bytes, compressed_page_size: compressedBytes } = header;
  for (const size of [bytes, compressedBytes, of?.num_values ?? 0])
    if (!Number.isSafeInteger(size) || size < 0) throw invalid('a page header holds no valid size');
  return of === undefined ? null : { values: of.num_values, bytes, compressedBytes };
}

/** A dictionary page, as the values that its indices stand for. */
export function readDictionary(page: Uint8Array, header: PageHeader, column: ColumnDecoder): DecodedArray {
  const bytes = inflate(page, header.uncompressed_page_size, column.codec);
  const reader = { view: viewOf(bytes), offset: 0 };
  const { num_values: count } = header.dictionary_page_header!;
  return withoutBigints(convert(readPlain(reader, column.type, count, column.element.type_length), column));
}

/**
 * The values of a data page of a flat column. What the page says of its own lengths is checked before it is believed: a run of 2^30
 * values, or a shared prefix of a gigabyte, is a few bytes.
 */
export function readValues(
  page: Uint8Array,
  header: PageHeader,
  dictionary: DecodedArray | undefined,
  column: ColumnDecoder,
): CellValues {
  const { values, encoding, present } =
    header.data_page_header_v2 === undefined ? readV1(page, header, column) : readV2(page, header, column);
  if (encoding.endsWith('_DICTIONARY') && dictionary === undefined)
    throw invalid('a page refers to a dictionary that is not there');
  const converted: CellValues = withoutBigints(convertWithDictionary(values, dictionary, encoding, column));
  if (present === null) return converted;
  let at = 0;
  return Array.from(present, (level): unknown => (level === 1 ? converted[at++] : null));
}

interface RawPage {
  readonly values: DecodedArray;
  readonly encoding: NonNullable<PageHeader['data_page_header']>['encoding'];
  /** 1 where there is a value; null: everywhere. */
  readonly present: readonly number[] | null;
}

function readV1(page: Uint8Array, header: PageHeader, column: ColumnDecoder): RawPage {
  const of = header.data_page_header!;
  const bytes = inflate(page, header.uncompressed_page_size, column.codec);
  const view = viewOf(bytes);
  let at = 0;
  if (column.element.repetition_type !== 'REQUIRED') {
    const length = view.getUint32(0, true);
    if (4 + length > view.byteLength) throw invalid('levels go on beyond their page');
    checkRuns(view, 4, 1, of.num_values);
    at = 4 + length;
  }
  // Indices of no bits are not read at all.
  checkEncoded(view, at, of, column, 1);
  const { dataPage, definitionLevels } = readDataPage(bytes, of, column);
  return { values: dataPage, encoding: of.encoding, present: definitionLevels?.length ? definitionLevels : null };
}

/** Levels stand before the compressed part, which is put in its place for the decoder. */
function readV2(page: Uint8Array, header: PageHeader, column: ColumnDecoder): RawPage {
  const of = header.data_page_header_v2!;
  const levels = of.repetition_levels_byte_length + of.definition_levels_byte_length;
  if (!(levels >= 0 && levels <= page.length) || !(of.num_nulls >= 0 && of.num_nulls <= of.num_values))
    throw invalid('a page header holds no valid size');
  const size = header.uncompressed_page_size - levels;
  const data = of.is_compressed === false ? page.subarray(levels) : inflate(page.subarray(levels), size, column.codec);
  const bytes = Buffer.concat([page.subarray(0, levels), data]);
  const view = viewOf(bytes);
  if (column.element.repetition_type !== 'REQUIRED')
    checkRuns(view, of.repetition_levels_byte_length, 1, of.num_values);
  checkEncoded(view, levels, { ...of, num_values: of.num_values - of.num_nulls }, column, 0);
  const plain = { ...header, data_page_header_v2: { ...of, is_compressed: false } };
  const { dataPage, definitionLevels } = readDataPageV2(bytes, plain, column);
  return { values: dataPage, encoding: of.encoding, present: definitionLevels?.length ? definitionLevels : null };
}

/**
 * @param of num_values at least the values that the encoded part holds
 * @param leastBits indices of fewer are passed over
 */
function checkEncoded(
  view: DataView,
  at: number,
  of: { readonly encoding: string; readonly num_values: number },
  { type }: ColumnDecoder,
  leastBits: number,
): void {
  if (of.num_values === 0) return;
  if (type !== 'BOOLEAN' && (of.encoding.endsWith('_DICTIONARY') || of.encoding === 'RLE')) {
    const bits = view.getUint8(at);
    if (bits > 32) throw invalid('indices have more than 32 bits');
    if (bits >= leastBits) checkRuns(view, at + 1, bits, of.num_values);
  } else if (type === 'BOOLEAN' && of.encoding === 'RLE') checkRuns(view, at + 4, 1, of.num_values);
  else if (of.encoding === 'DELTA_BYTE_ARRAY') checkPrefixes(view, at, of.num_values);
}

/**
 * The run-length and bit-packed hybrid: no run may go on beyond the page's values. Nulls have no entry: fewer may be there. To the end of
 * the page, whatever length was told: that is how far the decoder goes on for values that are not there.
 */
function checkRuns(view: DataView, from: number, bits: number, values: number): void {
  const reader = { view, offset: from };
  let seen = 0;
  while (seen < values && reader.offset < view.byteLength) {
    const header = readVarInt(reader);
    const packed = (header & 1) === 1;
    const count = packed ? (header >>> 1) * 8 : header >>> 1;
    reader.offset += packed ? (header >>> 1) * bits : (bits + 7) >> 3;
    seen += count;
    if (seen > values + (packed ? PADDING_VALUES : 0)) throw invalid('a run goes on beyond its page');
  }
}

/** DELTA_BYTE_ARRAY: each text may begin with all of the one before it, so a page can unfold to the square of its size. */
function checkPrefixes(view: DataView, at: number, values: number): void {
  const reader = { view, offset: at };
  const lengths = new Int32Array(values);
  deltaBinaryUnpack(reader, values, lengths);
  let unfolded = 0;
  for (const length of lengths) unfolded += Math.max(0, length);
  if (unfolded > 64 * view.byteLength) throw invalid('a page unfolds to more than 64 times its size');
}

/** At once and not one by one when they are read: a bigint takes four times the memory of a number. */
function withoutBigints(values: DecodedArray): DecodedArray {
  return typeof values[0] === 'bigint' ? Float64Array.from(values as ArrayLike<bigint>, Number) : values;
}

/** To exactly `size` bytes, and no more memory than that. */
function inflate(page: Uint8Array, size: number, codec: CompressionCodec): Uint8Array {
  const bytes = inflateUnchecked(page, size, codec);
  if (bytes.length !== size) throw invalid(`a page has ${bytes.length} bytes where its header says ${size}`);
  return bytes;
}

function inflateUnchecked(page: Uint8Array, size: number, codec: CompressionCodec): Uint8Array {
  if (size === 0) return new Uint8Array(0);
  switch (codec) {
    case 'UNCOMPRESSED':
      return page;
    case 'SNAPPY':
      return decompressSnappy(page, size);
    case 'GZIP':
      return gunzipSync(page, { maxOutputLength: size });
    case 'BROTLI':
      return brotliDecompressSync(page, { maxOutputLength: size });
    case 'ZSTD':
      return zstd.decode(page, size);
    case 'LZ4':
      return decompressLz4(page, size);
    case 'LZ4_RAW':
      return decompressLz4Raw(page, size);
    case 'LZO':
      throw invalid('LZO compression cannot be read');
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function invalid(what: string, cause?: unknown): ServiceError {
  return new ServiceError('invalid', `The Parquet file cannot be read: ${what}.`, { cause });
}
