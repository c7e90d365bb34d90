import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import type { DataPart } from '../domain/retraining.ts';

const PIECE_BYTES = 1_048_576;

/** Writes one part of a snapshot: NDJSON lines in, gzip out in pieces, with rows, bytes and hash. */
export class PartWriter {
  private readonly gzip = createGzip();
  private readonly hash = createHash('sha256');
  private readonly store: (piece: number, bytes: Buffer) => Promise<void>;
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private pieces = 0;
  private rows = 0;
  private bytes = 0;

  constructor(store: (piece: number, bytes: Buffer) => Promise<void>) {
    this.store = store;
    this.gzip.on('data', (chunk: Buffer) => {
      this.waiting.push(chunk);
      this.waitingBytes += chunk.length;
    });
  }

  /** Resolves when so much is stored that little waits. */
  async write(lines: readonly unknown[]): Promise<void> {
    if (lines.length === 0) return;
    this.rows += lines.length;
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    await new Promise<void>((resolve, reject) => {
      this.gzip.write(text, (error) => {
        if (error instanceof Error) reject(error);
        else resolve();
      });
    });
    if (this.waitingBytes >= PIECE_BYTES) await this.flush();
  }

  async end(): Promise<DataPart> {
    await new Promise<void>((resolve, reject) => {
      this.gzip.once('end', resolve).once('error', reject).end();
    });
    await this.flush();
    return { rows: this.rows, bytes: this.bytes, sha256: this.hash.digest('hex') };
  }

  private async flush(): Promise<void> {
    const piece = Buffer.concat(this.waiting);
    this.waiting = [];
    this.waitingBytes = 0;
    if (piece.length === 0) return;
    this.hash.update(piece);
    this.bytes += piece.length;
    await this.store(this.pieces++, piece);
  }
}

/** The lines of a part, parsed. Throws what JSON.parse and zlib throw. */
export async function* readLines(pieces: AsyncIterable<Buffer>): AsyncGenerator {
  const text = Readable.from(pieces).pipe(createGunzip());
  for await (const line of createInterface({ input: text, crlfDelay: Infinity }))
    if (line !== '') yield JSON.parse(line);
}
