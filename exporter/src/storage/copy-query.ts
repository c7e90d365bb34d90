import type { Connection } from 'pg';

const COPY_DATA = 0x64;

/** pg's own has these, and its types do not tell. */
export interface CopyConnection extends Connection {
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

/** Before the bytes of a CopyData message. */
export function copyDataHead(bytes: number): Buffer {
  const head = Buffer.allocUnsafe(5);
  head[0] = COPY_DATA;
  head.writeInt32BE(bytes + 4, 1);
  return head;
}

/** Of the end of a command; null: it was no COPY. */
export function copiedRows({ text }: { readonly text: string }): number | null {
  return text.startsWith('COPY ') ? Number(text.slice('COPY '.length)) : null;
}

/**
 * A query object of pg's own protocol, which calls its handlers as messages arrive: what COPY needs and an ordinary query has not.
 * `result` is asked for at the end, when nothing failed.
 */
export abstract class CopyQuery<T> {
  private readonly text: string;
  private readonly resolve: (result: T) => void;
  private readonly reject: (error: Error) => void;
  protected failed = false;
  /** Set by pg when it limits the time of a query: tells its timer that there is an end. */
  callback?: (error: Error | null) => void;

  constructor(text: string, resolve: (result: T) => void, reject: (error: Error) => void) {
    this.text = text;
    this.resolve = resolve;
    this.reject = reject;
  }

  protected abstract result(): T;

  submit(connection: Connection): void {
    connection.query(this.text);
  }

  /** An error of the caller must not break the protocol: the rest is read and dropped. */
  protected fail(error: unknown): void {
    this.failed = true;
    this.reject(error instanceof Error ? error : new Error(String(error)));
  }

  handleError(error: Error): void {
    this.callback?.(error);
    this.fail(error);
  }

  handleReadyForQuery(): void {
    this.callback?.(null);
    if (!this.failed) this.resolve(this.result());
  }

  handleCommandComplete(_message: { readonly text: string }): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleParseComplete(): void {}
  handleCopyInResponse(_connection: CopyConnection): void {}
}
