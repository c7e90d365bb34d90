import { setImmediate } from 'node:timers/promises';
import { constants, crc32, deflateRawSync } from 'node:zlib';
import { crc32Append, crc32Shift } from './crc32-combine.ts';

/** Text deflated on its own, so that it can stand anywhere in a gzip member. */
interface DeflatedChunk {
  /** Whole deflate blocks that refer to nothing before them and end on a byte. */
  readonly deflated: Uint8Array;
  readonly crc: number;
  readonly length: number;
  /** crc32Shift(length). */
  readonly shift: number;
}

/**
 * Part of an exposition that is deflated once, when it is first asked for, and spliced from then on. Never changes.
 *
 * Its text stays in the strings that it is made of: as bytes outside the JavaScript heap, the 150 MB of ten thousand models made the
 * garbage collector look through everything, twice a scrape.
 */
export class TextSection {
  private readonly texts: readonly string[];
  private written: Buffer | null = null;
  private chunk: DeflatedChunk | null = null;

  constructor(...texts: readonly string[]) {
    this.texts = texts;
  }

  /** For readers that take no gzip; kept, as they come again. */
  get bytes(): Buffer {
    // Not from Buffer's pool: a section that lives long would hold a whole slab of dead ones.
    return (this.written ??= this.write(Buffer.allocUnsafeSlow(this.length)));
  }

  get length(): number {
    return this.texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  }

  get isDeflated(): boolean {
    return this.chunk !== null;
  }

  deflated(): DeflatedChunk {
    return (this.chunk ??= deflateChunk(this.written ?? this.write(roomFor(this.length))));
  }

  private write(into: Buffer): Buffer {
    let at = 0;
    for (const text of this.texts) at += into.write(text, at);
    return into;
  }
}

let room = Buffer.allocUnsafeSlow(1 << 16);

/** Valid until the next call. */
function roomFor(length: number): Buffer {
  if (room.length < length) room = Buffer.allocUnsafeSlow(2 * length);
  return room.subarray(0, length);
}

/** Level 6 would save a tenth of the bytes for twice the CPU on expositions (200 series: 83 against 40 us). */
const LEVEL = 3;

function deflateChunk(bytes: Buffer): DeflatedChunk {
  const result = deflateRawSync(bytes, { level: LEVEL, finishFlush: constants.Z_FULL_FLUSH });
  // zlib hands out a slice of a 16 KiB buffer: kept as it is, each small chunk would hold all of it.
  return {
    deflated: Uint8Array.prototype.slice.call(result),
    crc: crc32(bytes),
    length: bytes.length,
    shift: crc32Shift(bytes.length),
  };
}

/** Deflate, no flags, no time, fastest-or-unknown, unknown operating system (RFC 1952). */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);
/** An empty last block with fixed codes (RFC 1951). */
const END = [3, 0];
/** New text deflated in one go, about 3 ms; then others get their turn. */
const BYTES_PER_TURN = 1_500_000;

/**
 * One gzip member of all sections in order; only those that never were are deflated, between turns of the event loop.
 *
 * One member because readers differ on several: Go and Python read on, `curl --compressed` stops after the first without a word.
 */
export async function spliceGzip(sections: readonly TextSection[]): Promise<Buffer> {
  const parts: Uint8Array[] = [HEADER];
  let crc = 0;
  let length = 0;
  let fresh = 0;
  for (const section of sections) {
    if (!section.isDeflated && (fresh += section.length) > BYTES_PER_TURN) {
      await setImmediate();
      fresh = section.length;
    }
    const chunk = section.deflated();
    parts.push(chunk.deflated);
    crc = crc32Append(crc, chunk.crc, chunk.shift);
    length += chunk.length;
  }
  parts.push(trailer(crc, length));
  return Buffer.concat(parts);
}

function trailer(crc: number, length: number): Uint8Array {
  const bytes = new Uint8Array(END.length + 8);
  bytes.set(END);
  const view = new DataView(bytes.buffer);
  view.setUint32(END.length, crc, true);
  view.setUint32(END.length + 4, length % 2 ** 32, true);
  return bytes;
}
