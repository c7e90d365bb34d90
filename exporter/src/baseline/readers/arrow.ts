import type { Readable } from 'node:stream';
import { isNativeError } from 'node:util/types';
import { DataType, RecordBatchReader } from 'apache-arrow';
import type { Field, RecordBatch, Schema, Vector } from 'apache-arrow';
import type { BaselineRow } from '../../domain/baseline.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { arrowMessages } from './arrow-messages.ts';
import { invalid, quote } from './arrow-metadata.ts';
import { toBaselineRow } from './column-roles.ts';
import type { ColumnRoles } from './column-roles.ts';

/**
 * Rows of an Arrow IPC stream with flat columns and uncompressed batches, one batch in memory at a time. Times are epoch milliseconds.
 * Throws ServiceError invalid with what is wrong with the stream.
 */
export async function* readArrow(body: Readable, roles: ColumnRoles): AsyncGenerator<BaselineRow> {
  const reader = await RecordBatchReader.from(arrowMessages(body));
  try {
    let readers: ColumnReader[] | undefined;
    for await (const batch of reader) {
      readers ??= columnReaders(batch.schema);
      const columns = columnsOf(batch, readers);
      for (let row = 0; row < batch.numRows; row++) {
        const record: Record<string, unknown> = {};
        for (const { name, vector, read } of columns) record[name] = read(vector.get(row));
        yield toBaselineRow(record, roles);
      }
    }
  } catch (error) {
    throw asInvalid(error);
  }
}

interface ColumnReader {
  readonly name: string;
  readonly read: (value: unknown) => unknown;
}

function columnReaders(schema: Schema): ColumnReader[] {
  const names = new Set<string>();
  for (const { name } of schema.fields) {
    if (name === '__proto__' || names.has(name))
      throw invalid(`it has ${names.has(name) ? 'two columns' : 'a column'} named ${quote(name)}`);
    names.add(name);
  }
  return schema.fields.map((field) => ({ name: field.name, read: readerOf(field) }));
}

function readerOf({ name, type }: Field): (value: unknown) => unknown {
  const plain: unknown = DataType.isDictionary(type) ? type.dictionary : type;
  if (DataType.isDecimal(plain)) {
    const { scale } = plain;
    return (value) => (value === null ? null : decimal(value as Uint32Array, scale));
  }
  const flat =
    DataType.isInt(plain) ||
    DataType.isFloat(plain) ||
    DataType.isBool(plain) ||
    DataType.isUtf8(plain) ||
    DataType.isLargeUtf8(plain) ||
    DataType.isUtf8View(plain) ||
    DataType.isDate(plain) ||
    DataType.isTimestamp(plain) ||
    DataType.isNull(plain);
  if (!flat)
    throw invalid(`column ${quote(name)} is of type ${String(type)}; leave it out, or make it numbers or text`);
  return (value) => (typeof value === 'bigint' ? Number(value) : value instanceof Date ? value.getTime() : value);
}

/** Checks that every column has what its length asks for: the library reads nothing, not an error, beyond the end. */
function columnsOf(
  batch: RecordBatch,
  readers: readonly ColumnReader[],
): (ColumnReader & { readonly vector: Vector })[] {
  return readers.map((reader, i) => {
    const vector = batch.getChildAt(i);
    if (vector?.length !== batch.numRows) throw invalid(`column ${quote(reader.name)} has not as many values as rows`);
    for (const data of vector.data) checkData(reader.name, data);
    return { ...reader, vector };
  });
}

function checkData(name: string, data: Vector['data'][number]): void {
  const { length } = data;
  const type = data.type as DataType;
  if (DataType.isNull(type) || length === 0) return;
  const offsets = data.valueOffsets as ArrayLike<number | bigint> | undefined;
  let complete = data.nullCount <= 0 || data.nullBitmap.length * 8 >= length;
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) {
    complete &&= offsets !== undefined && offsets.length > length;
    for (let i = 0; complete && i < length; i++) complete = offsets![i]! <= offsets![i + 1]!;
    complete &&= offsets![0]! >= 0 && Number(offsets![length]) <= (data.values as Uint8Array).length;
  } else if (!DataType.isUtf8View(type)) {
    const size = (data.values as Uint8Array).length;
    complete &&= DataType.isBool(type) ? size * 8 >= length : size >= length * data.stride;
  }
  for (const entries of data.dictionary?.data ?? []) checkData(name, entries);
  if (!complete) throw invalid(`column ${quote(name)} is not as long as its batch says`);
}

/** Two's complement, in words of 32 bits, the lowest first. */
function decimal(words: Uint32Array, scale: number): number {
  let value = 0n;
  for (const [i, word] of words.entries()) value |= BigInt(word) << BigInt(32 * i);
  return Number(BigInt.asIntN(32 * words.length, value)) / 10 ** scale;
}

/** What the library throws of a broken stream has no code of its own. */
function asInvalid(error: unknown): unknown {
  if (!isNativeError(error) || error instanceof ServiceError || 'code' in error || 'statusCode' in error) return error;
  return invalid(`it is damaged, or uses what is not supported (${error.message.slice(0, 200)})`, error);
}
