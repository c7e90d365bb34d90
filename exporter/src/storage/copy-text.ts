import type { ClientBase, Connection } from 'pg';
import { copiedRows, copyDataHead, CopyQuery } from './copy-query.ts';
import type { CopyConnection } from './copy-query.ts';
import { PATIENT } from './pool.ts';

/** Bytes of rows that are handed on together. */
const PIECE_BYTES = 1 << 19;

/**
 * The rows of `query` as COPY text, whole lines that end in \n; reads no faster than `onPiece` takes them. `query` is constant SQL: COPY
 * takes no parameters.
 *
 * @param onPiece gets rows so far, and bytes that are its own
 * @returns the number of rows
 */
export function copyTextOut(
  client: ClientBase,
  query: string,
  onPiece: (piece: Buffer, rows: number) => Promise<void>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    client.query(new CopyTextOutQuery(`COPY (${query}) TO STDOUT`, onPiece, resolve, reject) as never);
  });
}

class CopyTextOutQuery extends CopyQuery<Promise<number>> {
  private readonly onPiece: (piece: Buffer, rows: number) => Promise<void>;
  private connection: Connection | undefined;
  private piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  private filled = 0;
  private rows = 0;
  private writing = Promise.resolve();
  readonly query_timeout = PATIENT.query_timeout;

  constructor(
    text: string,
    onPiece: (piece: Buffer, rows: number) => Promise<void>,
    resolve: (rows: Promise<number>) => void,
    reject: (error: Error) => void,
  ) {
    super(text, resolve, reject);
    this.onPiece = onPiece;
  }

  override submit(connection: Connection): void {
    this.connection = connection;
    super.submit(connection);
  }

  protected result(): Promise<number> {
    this.handOn();
    return this.writing.then(() => this.rows);
  }

  /** The server sends one message a row. pg reuses the message's buffer. */
  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    if (this.failed) return;
    if (this.filled + chunk.length > this.piece.length) {
      this.handOn();
      this.piece = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, chunk.length));
    }
    this.filled += chunk.copy(this.piece, this.filled);
    this.rows++;
  }

  private handOn(): void {
    if (this.filled === 0) return;
    const [piece, rows] = [this.piece.subarray(0, this.filled), this.rows];
    this.filled = 0;
    const { stream } = this.connection!;
    stream.pause();
    this.writing = this.writing.then(() => this.onPiece(piece, rows)).finally(() => stream.resume());
    this.writing.catch((error: unknown) => {
      this.fail(error);
    });
  }
}

/**
 * Fills `target` (as in COPY target FROM STDIN, constant SQL) with COPY text, which may be cut anywhere.
 *
 * @returns the number of rows. Rejects with what `pieces` throws; the COPY has failed then, and its transaction with it.
 */
export function copyTextIn(client: ClientBase, target: string, pieces: AsyncIterable<Buffer>): Promise<number> {
  return new Promise((resolve, reject) => {
    client.query(new CopyTextInQuery(`COPY ${target} FROM STDIN`, pieces, resolve, reject) as never);
  });
}

class CopyTextInQuery extends CopyQuery<number> {
  private readonly pieces: AsyncIterable<Buffer>;
  private rows = 0;
  /** Whoever waits for the connection to take more. */
  private wake: () => void = () => undefined;
  readonly query_timeout = PATIENT.query_timeout;

  constructor(
    text: string,
    pieces: AsyncIterable<Buffer>,
    resolve: (rows: number) => void,
    reject: (error: Error) => void,
  ) {
    super(text, resolve, reject);
    this.pieces = pieces;
  }

  protected result(): number {
    return this.rows;
  }

  override handleCopyInResponse(connection: CopyConnection): void {
    void this.send(connection).then(
      () => {
        if (!this.failed) connection.endCopyFrom();
      },
      (error: unknown) => {
        if (!this.failed) connection.sendCopyFail('there is no more');
        this.fail(error);
      },
    );
  }

  override handleCommandComplete(message: { readonly text: string }): void {
    this.rows = copiedRows(message) ?? this.rows;
  }

  override handleError(error: Error): void {
    super.handleError(error);
    this.wake();
  }

  private async send({ stream }: Connection): Promise<void> {
    for await (const piece of this.pieces) {
      if (this.failed) return;
      stream.write(copyDataHead(piece.length));
      if (stream.write(piece)) continue;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        stream.once('drain', resolve);
      });
    }
  }
}
