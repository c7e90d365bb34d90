/** A growing buffer with the few encodings of the statistics payloads: LEB128 varints, zigzag, little-endian floats. */
export class ByteWriter {
  bytes: Buffer;
  view: DataView;
  length = 0;

  constructor(capacity = 1 << 16) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }

  /** Makes room for `count` more bytes; the single writes below do not check. */
  need(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + count));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
    this.view = new DataView(grown.buffer, grown.byteOffset, grown.length);
  }

  u8(value: number): void {
    this.bytes[this.length++] = value;
  }

  /** 0 <= value < 2^32. */
  varint(value: number): void {
    const { bytes } = this;
    let at = this.length;
    let rest = value >>> 0;
    while (rest > 127) {
      bytes[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.length = at;
  }

  zigzag(value: number): void {
    this.varint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  f64(value: number): void {
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  f32(value: number): void {
    this.view.setFloat32(this.length, value, true);
    this.length += 4;
  }

  append(other: ByteWriter): void {
    this.need(other.length);
    other.bytes.copy(this.bytes, this.length, 0, other.length);
    this.length += other.length;
  }

  /** A copy of what was written. */
  take(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.length));
  }
}

/** Reads what ByteWriter wrote. Running past the end throws: a truncated payload must never count as zeros. */
export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;
  /** Of the payload, for what later formats added. */
  format = 0;
  private readonly view: DataView;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u8(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new RangeError('statistics payload ends too early');
    return value;
  }

  /** Throws unless `count` more bytes follow: for who reads them without u8. */
  expect(count: number): void {
    if (this.at + count > this.bytes.length) throw new RangeError('statistics payload ends too early');
  }

  varint(): number {
    let byte = this.u8();
    if (byte < 128) return byte;
    let value = byte & 127;
    let shift = 7;
    do {
      byte = this.u8();
      value |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    return value >>> 0;
  }

  /** A varint that says how many things of at least `bytes` follow: one that was damaged must not have memory made for them. */
  countOf(bytes: number): number {
    const count = this.varint();
    this.expect(count * bytes);
    return count;
  }

  zigzag(): number {
    const value = this.varint();
    return (value >>> 1) ^ -(value & 1);
  }

  f64(): number {
    const value = this.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  f32(): number {
    const value = this.view.getFloat32(this.at, true);
    this.at += 4;
    return value;
  }
}
