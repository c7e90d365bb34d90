import type { RowOutcome, TabularRows } from '../../domain/prediction-half.ts';
import type { ForeignOptions } from './foreign-events.ts';
import { unreadable } from './foreign-events.ts';
import { isObject, parseJson } from './parse-json.ts';
import { outcomeOf } from './row-outcome.ts';
import { columnNames } from './tabular-rows.ts';

/** A tensor of the open inference protocol, its values in row order whatever they came as. */
interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: readonly unknown[];
}

/** Without it no tensor's bytes lie behind the JSON. */
const BINARY_MARK = '"binary_data_size"';
const PROBABILITIES = /prob|score|confidence/i;
/** Bytes of one value; BYTES and JSON have none of their own. */
const SIZES: Readonly<Record<string, number>> = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
};

/**
 * A body of the open inference protocol (V2), or of V1: JSON, or JSON with the tensors' bytes behind it. Where the JSON ends is said by
 * a header that loggers may drop, so it is looked for. Throws ServiceError invalid.
 */
export function parseInference(body: Buffer): Readonly<Record<string, unknown>> {
  const end = body.includes(BINARY_MARK) ? endOfJson(body) : body.length;
  const parsed = parseJson(body.toString('utf8', 0, end));
  if (!isObject(parsed)) throw unreadable('the body is not a JSON object');
  return end === body.length ? parsed : withBinary(parsed, body.subarray(end));
}

/** One row for each entry of the tensors' first axis. A tensor of more than two axes (an image) is no column of a table. */
export function tensorRows(inputs: readonly unknown[], names: readonly string[] | null): TabularRows {
  const tensors = inputs.map(toTensor);
  const count = tensors.reduce((most, { shape }) => Math.max(most, shape[0] ?? 0), 0);
  const columns = tensors
    .filter((tensor) => tensor.shape.length <= 2 && (tensor.shape[0] ?? 0) === count)
    .flatMap((tensor) => columnsOf(tensor, count));
  return {
    names: columnNames('feature', columns.length, names ?? columns.map(({ name }) => name)),
    rows: Array.from({ length: count }, (_, row) => columns.map(({ at }) => at(row))),
  };
}

/** One outcome a row: the first tensor that is not one of scores is the prediction, the first of scores has one a class. */
export function tensorOutcomes(outputs: readonly unknown[], options: ForeignOptions): readonly RowOutcome[] {
  const tensors = outputs.map(toTensor);
  const scores = tensors.length > 1 ? tensors.find(({ name }) => PROBABILITIES.test(name)) : undefined;
  const prediction = tensors.find((tensor) => tensor !== scores);
  const count = (prediction ?? scores)?.shape[0] ?? 0;
  return Array.from({ length: count }, (_, row) => ({
    ...(scores === undefined ? {} : outcomeOf(rowOf(scores, row), { ...options, output: 'score' })),
    ...(prediction === undefined ? {} : outcomeOf(rowOf(prediction, row), options)),
  }));
}

function columnsOf({ name, shape, values }: Tensor, count: number): { name: string; at: (row: number) => unknown }[] {
  const width = shape.length < 2 ? 1 : shape[1]!;
  if (width * count !== values.length) throw unreadable(`the tensor ${shown(name)} has not the values of its shape`);
  if (width === 1) return [{ name, at: (row) => values[row] }];
  return Array.from({ length: width }, (_, i) => ({ name: `${name}_${i}`, at: (row) => values[row * width + i] }));
}

function rowOf({ shape, values }: Tensor, row: number): unknown {
  const width = values.length / Math.max(1, shape[0] ?? 1);
  return width === 1 ? values[row] : values.slice(row * width, (row + 1) * width);
}

function toTensor(given: unknown): Tensor {
  if (!isObject(given) || typeof given.name !== 'string' || !isShape(given.shape) || !Array.isArray(given.data))
    throw unreadable('a tensor must have name, shape and data');
  return { name: given.name, shape: given.shape, values: (given.data as unknown[]).flat(Infinity) };
}

function isShape(shape: unknown): shape is readonly number[] {
  return Array.isArray(shape) && shape.every((length) => Number.isSafeInteger(length) && Number(length) >= 0);
}

function withBinary(parsed: Readonly<Record<string, unknown>>, bytes: Buffer): Readonly<Record<string, unknown>> {
  let at = 0;
  const fill = (tensors: unknown): unknown =>
    Array.isArray(tensors)
      ? tensors.map((tensor: unknown) => {
          const size = isObject(tensor) && isObject(tensor.parameters) ? tensor.parameters.binary_data_size : undefined;
          if (!isObject(tensor) || typeof size !== 'number') return tensor;
          const own = bytes.subarray(at, at + size);
          if (own.length !== size) throw unreadable('the binary part is shorter than its tensors say');
          at += size;
          return { ...tensor, data: binaryValues(String(tensor.datatype), own) };
        })
      : tensors;
  return { ...parsed, inputs: fill(parsed.inputs), outputs: fill(parsed.outputs) };
}

function binaryValues(datatype: string, bytes: Buffer): unknown[] {
  if (datatype === 'BYTES') return byteStrings(bytes);
  const size = SIZES[datatype];
  if (size === undefined) throw unreadable(`the datatype ${shown(datatype)} is not known`);
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => binaryValue(datatype, bytes, i * size));
}

function binaryValue(datatype: string, bytes: Buffer, at: number): unknown {
  switch (datatype) {
    case 'BOOL':
      return bytes[at] !== 0;
    case 'FP16':
      return halfPrecision(bytes.readUInt16LE(at));
    case 'FP32':
      return bytes.readFloatLE(at);
    case 'FP64':
      return bytes.readDoubleLE(at);
    case 'INT64':
      return Number(bytes.readBigInt64LE(at));
    case 'UINT64':
      return Number(bytes.readBigUInt64LE(at));
    default:
      return datatype.startsWith('U') ? bytes.readUIntLE(at, SIZES[datatype]!) : bytes.readIntLE(at, SIZES[datatype]!);
  }
}

/** Each with its length in four bytes before it. */
function byteStrings(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = bytes.readUInt32LE(at);
    texts.push(bytes.toString('utf8', at + 4, at + 4 + length));
    at += 4 + length;
  }
  return texts;
}

/** IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of fraction. */
function halfPrecision(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Where the first JSON object of the body ends; its length when there is nothing behind it. */
function endOfJson(body: Buffer): number {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]!;
    if (quoted) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) quoted = false;
    } else if (byte === 0x22) quoted = true;
    else if (byte === 0x7b) depth++;
    else if (byte === 0x7d && --depth === 0) return at + 1;
  }
  return body.length;
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 40));
}
