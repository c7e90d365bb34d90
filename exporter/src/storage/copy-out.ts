import type { ClientBase } from 'pg';
import { CopyQuery } from './copy-query.ts';
import { PATIENT } from './pool.ts';

/**
 * Reads `query` as binary COPY. pg decodes every field of an ordinary result as UTF-8, which corrupts bytea in binary mode and
 * doubles it in text mode; COPY does neither. It takes no parameters: `query` may contain integers of ours and nothing else that
 * varies.
 *
 * @param onRow gets the fields of a row, null for NULL; the buffers are its own
 * @returns the number of rows
 */
export function copyOut(
  client: ClientBase,
  query: string,
  onRow: (fields: readonly (Buffer | null)[]) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    client.query(new CopyOutQuery(`COPY (${query}) TO STDOUT (FORMAT binary)`, onRow, resolve, reject) as never);
  });
}

const HEADER_BYTES = 19;

class CopyOutQuery extends CopyQuery<number> {
  private readonly onRow: (fields: readonly (Buffer | null)[]) => void;
  private started = false;
  private rows = 0;
  /** As long as the server lets it: a recount reads for minutes. */
  readonly query_timeout = PATIENT.query_timeout;

  constructor(
    text: string,
    onRow: (fields: readonly (Buffer | null)[]) => void,
    resolve: (rows: number) => void,
    reject: (error: Error) => void,
  ) {
    super(text, resolve, reject);
    this.onRow = onRow;
  }

  protected result(): number {
    return this.rows;
  }

  /** The server sends one message a row, the first with the header before it; pg reuses the message's buffer, so it is copied. */
  handleCopyData(message: { readonly chunk: Buffer }): void {
    if (this.failed) return;
    const bytes = Buffer.from(message.chunk);
    let at = this.started ? 0 : HEADER_BYTES;
    this.started = true;
    while (at < bytes.length) {
      const count = bytes.readInt16BE(at);
      if (count < 0) return;
      at += 2;
      const fields: (Buffer | null)[] = [];
      for (let i = 0; i < count; i++) {
        const length = bytes.readInt32BE(at);
        at += 4;
        fields.push(length < 0 ? null : bytes.subarray(at, at + length));
        if (length > 0) at += length;
      }
      this.deliver(fields);
    }
  }

  private deliver(fields: readonly (Buffer | null)[]): void {
    this.rows++;
    try {
      this.onRow(fields);
    } catch (error) {
      this.fail(error);
    }
  }
}
