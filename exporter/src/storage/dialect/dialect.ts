export type DialectName = 'plain' | 'citus' | 'timescale';

/**
 * Where one database server is not enough, extensions lay the raw rows out differently: the statements that differ. Statistics, jobs,
 * leases and everything else are few and small rows, and the same in all of them.
 */
export interface Dialect {
  readonly name: DialectName;
  /** Laid out after the migrations, while there are no rows; in order, each outside a transaction. */
  readonly layOut: readonly string[];
  /** Asks whether that was done: `done` of the only row; null: there is nothing to do. */
  readonly isLaidOut: string | null;
  /** Whether we make the leaf of a day; else the server makes it with the first row. */
  readonly makesDays: boolean;
  /** Days of table $1 that have a leaf in one of the states $2, as YYYYMMDD in the only column, ascending. */
  readonly days: string;
  /** Takes a leaf out of its parent; said outside a transaction. */
  readonly detach: (parent: string, leaf: string) => string;
  /** Deletes every whole day of a table that ends at or before $1 (timestamptz); null: leaf by leaf, by detach and DROP. */
  readonly dropBefore: ((parent: string) => string) | null;
  /** Bytes of the days $2 (YYYYMMDD) of table $1, with indexes, in their order. */
  readonly sizes: string;
  /** What of the exporter such a server would refuse, as far as is known. */
  readonly missing: readonly string[];
}
