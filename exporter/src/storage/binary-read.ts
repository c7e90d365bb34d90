/** Fields of binary COPY, read back. The counterpart of binary-row. */
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);

export function readTimestampMs(field: Buffer): number {
  return POSTGRES_EPOCH_MS + Number(field.readBigInt64BE()) / 1000;
}

/** NaN for NULL. */
export function readFloat8(field: Buffer | null): number {
  return field === null ? NaN : field.readDoubleBE();
}

export function readText(field: Buffer | null): string | null {
  return field === null ? null : field.toString('utf8');
}

/** jsonb: a version byte, then the text. */
export function readJsonText(field: Buffer | null): string | null {
  return field === null ? null : field.toString('utf8', 1);
}

/** NaN for NULL elements. */
export function readFloat8Array(field: Buffer): number[] {
  return readArray(field, (at, length) => (length < 0 ? NaN : field.readDoubleBE(at)));
}

export function readTextArray(field: Buffer): (string | null)[] {
  return readArray(field, (at, length) => (length < 0 ? null : field.toString('utf8', at, at + length)));
}

export function readInt2Array(field: Buffer): number[] {
  return readArray(field, (at) => field.readInt16BE(at));
}

/** Dimensions, flag, element type, then (length, lower bound) of the one dimension, then the elements. */
function readArray<T>(field: Buffer, element: (at: number, length: number) => T): T[] {
  if (field.readInt32BE(0) === 0) return [];
  const count = field.readInt32BE(12);
  const values: T[] = [];
  let at = 20;
  for (let i = 0; i < count; i++) {
    const length = field.readInt32BE(at);
    at += 4;
    values.push(element(at, length));
    if (length > 0) at += length;
  }
  return values;
}
