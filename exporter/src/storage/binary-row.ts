/**
 * Fields of PostgreSQL's binary COPY format (https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format"): big-endian, each
 * field preceded by its length in bytes, -1 for NULL.
 */
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);
const FLOAT8 = 701;
const TEXT = 25;
const INT2 = 21;
const TWO_32 = 4_294_967_296;

export class BinaryRowWriter {
  private bytes: Buffer;
  private view: DataView;
  length = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }

  /** What was written, as a view: the writer is not used again. */
  done(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  beginRow(fields: number): void {
    this.need(2);
    this.view.setInt16(this.length, fields);
    this.length += 2;
  }

  null(): void {
    this.need(4);
    this.view.setInt32(this.length, -1);
    this.length += 4;
  }

  int4(value: number): void {
    this.need(8);
    this.view.setInt32(this.length, 4);
    this.view.setInt32(this.length + 4, value);
    this.length += 8;
  }

  /** NaN is NULL here: no column of ours means anything by NaN. */
  float8(value: number): void {
    if (Number.isNaN(value)) {
      this.null();
      return;
    }
    this.need(12);
    this.view.setInt32(this.length, 8);
    this.view.setFloat64(this.length + 4, value);
    this.length += 12;
  }

  /** Epoch milliseconds; microseconds since 2000 on the wire. */
  timestamp(epochMs: number): void {
    this.need(12);
    const micros = Math.round((epochMs - POSTGRES_EPOCH_MS) * 1000);
    const high = Math.floor(micros / TWO_32);
    this.view.setInt32(this.length, 8);
    this.view.setInt32(this.length + 4, high);
    this.view.setUint32(this.length + 8, micros - high * TWO_32);
    this.length += 12;
  }

  /** 16 bytes of `from` at `at`. */
  uuid(from: Buffer, at: number): void {
    this.need(20);
    this.view.setInt32(this.length, 16);
    from.copy(this.bytes, this.length + 4, at, at + 16);
    this.length += 20;
  }

  text(value: string | null): void {
    if (value === null) {
      this.null();
      return;
    }
    this.need(4 + value.length * 3);
    const written = this.bytes.write(value, this.length + 4, 'utf8');
    this.view.setInt32(this.length, written);
    this.length += 4 + written;
  }

  /** jsonb: a version byte, then the text. */
  jsonb(value: string | null): void {
    if (value === null) {
      this.null();
      return;
    }
    this.need(5 + value.length * 3);
    const written = this.bytes.write(value, this.length + 5, 'utf8');
    this.view.setInt32(this.length, written + 1);
    this.bytes[this.length + 4] = 1;
    this.length += 5 + written;
  }

  bytea(value: Buffer): void {
    this.need(4 + value.length);
    this.view.setInt32(this.length, value.length);
    value.copy(this.bytes, this.length + 4);
    this.length += 4 + value.length;
  }

  /** NaN elements are NULL; infinities stay. */
  float8Array(values: ArrayLike<number>, from: number, count: number): void {
    const start = this.beginArray(FLOAT8, count, 12 * count);
    for (let i = from; i < from + count; i++) this.float8(values[i]!);
    this.endArray(start);
  }

  textArray(values: readonly (string | null)[], from: number, count: number): void {
    const start = this.beginArray(TEXT, count, 0);
    for (let i = from; i < from + count; i++) this.text(values[i] ?? null);
    this.endArray(start);
  }

  int2Array(values: readonly number[]): void {
    const start = this.beginArray(INT2, values.length, 6 * values.length);
    for (const value of values) {
      this.view.setInt32(this.length, 2);
      this.view.setInt16(this.length + 4, value);
      this.length += 6;
    }
    this.endArray(start);
  }

  /** Dimensions, has-nulls flag, element type, then length and lower bound of the one dimension; an empty array has none. */
  private beginArray(elementType: number, count: number, bytes: number): number {
    this.need(24 + bytes);
    const start = this.length;
    this.view.setInt32(start + 4, count === 0 ? 0 : 1);
    this.view.setInt32(start + 8, 1);
    this.view.setInt32(start + 12, elementType);
    this.length += 16;
    if (count > 0) {
      this.view.setInt32(start + 16, count);
      this.view.setInt32(start + 20, 1);
      this.length += 8;
    }
    return start;
  }

  private endArray(start: number): void {
    this.view.setInt32(start, this.length - start - 4);
  }

  private need(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + count));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
    this.view = new DataView(grown.buffer, grown.byteOffset, grown.length);
  }
}
