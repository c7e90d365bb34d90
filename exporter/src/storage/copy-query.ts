import type { Connection } from 'pg';

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
  handleCopyInResponse(_connection: Connection): void {}
}
