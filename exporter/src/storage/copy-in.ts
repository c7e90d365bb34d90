import type { ClientBase } from 'pg';
import { copiedRows, copyDataHead, CopyQuery } from './copy-query.ts';
import type { CopyConnection } from './copy-query.ts';

/** One table to fill: `target` as in COPY target FROM STDIN, and its rows in the binary format. */
export interface CopyInput {
  readonly target: string;
  readonly rows: readonly Buffer[];
}

const HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const TRAILER = Buffer.from([0xff, 0xff]);
/** Below this, copying is cheaper than a write apiece. */
const SMALL_BYTES = 65_536;

/**
 * Fills several tables with ONE simple query: `first; COPY a FROM STDIN; COPY b FROM STDIN`. The server runs such a query as one
 * implicit transaction, so rows and their statistics cost one round trip and are stored together or not at all. `first` may hold
 * statements that guard it (constant SQL only: a simple query takes no parameters). Must not be called inside a transaction whose
 * earlier statements should survive a failure.
 *
 * Resolves with the number of rows of each COPY.
 */
export function copyIn(client: ClientBase, first: string, inputs: readonly CopyInput[]): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    const query = new CopyInQuery(first, inputs, resolve, reject);
    client.query(query as never);
  });
}

class CopyInQuery extends CopyQuery<readonly number[]> {
  private readonly inputs: readonly CopyInput[];
  private readonly counts: number[] = [];
  private next = 0;

  constructor(
    first: string,
    inputs: readonly CopyInput[],
    resolve: (rows: readonly number[]) => void,
    reject: (error: Error) => void,
  ) {
    super(first + inputs.map(({ target }) => `COPY ${target} FROM STDIN (FORMAT binary)`).join('; '), resolve, reject);
    this.inputs = inputs;
  }

  protected result(): readonly number[] {
    return this.counts;
  }

  /** All of a COPY is one CopyData message; a small one goes out in one write. */
  override handleCopyInResponse(connection: CopyConnection): void {
    const { stream } = connection;
    const { rows } = this.inputs[this.next++]!;
    const payload = rows.reduce((bytes, piece) => bytes + piece.length, HEADER.length + TRAILER.length);
    const pieces = [copyDataHead(payload), HEADER, ...rows, TRAILER];
    stream.cork();
    if (payload < SMALL_BYTES) stream.write(Buffer.concat(pieces));
    else for (const piece of pieces) stream.write(piece);
    connection.endCopyFrom();
    stream.uncork();
  }

  override handleCommandComplete(message: { readonly text: string }): void {
    const rows = copiedRows(message);
    if (rows !== null) this.counts.push(rows);
  }
}
