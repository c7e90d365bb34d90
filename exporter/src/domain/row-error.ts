/** What is wrong with one row of a request: reported to its sender, counted, and no hindrance to its neighbours. */
export interface RowError {
  /** Position in the request, from 0. */
  readonly index: number;
  /** JSON pointer (RFC 6901) into the row; '' for the whole row. */
  readonly pointer: string;
  readonly detail: string;
}
