import { CODES, MISSING } from './bin-scheme.ts';

type Cells = Uint8Array | Uint16Array | Uint32Array;

/** Cells that can count so many rows: no cell counts a row twice. */
function cellsFor(rows: number, length: number): Cells {
  return rows < 2 ** 8 ? new Uint8Array(length) : rows < 2 ** 16 ? new Uint16Array(length) : new Uint32Array(length);
}

/**
 * Counts of one stretch of time of one model version: a time bucket, a window (the sum of its buckets) or a baseline.
 * Everything in it adds: integers, or sums of doubles.
 */
export class FeatureCounts {
  rows = 0;
  /** counts[column * 256 + code]; see model-columns.ts for columns and bin-scheme.ts for codes. */
  counts: Cells;
  /** Sum of x of the outer and gap bins, by column * 256 + code. */
  readonly tails = new Map<number, number>();
  /** Rows predicted as the positive class, by score code (binary models; see countPositive). */
  readonly positives = new Uint32Array(CODES);
  /** Sum of the finite values of the score column (a score or a predicted value). */
  scoreSum = 0;
  /** Rows with a score of their predicted class, and the sum of those scores. */
  confidenceRows = 0;
  confidenceSum = 0;
  /** Views of the columns that were asked for: making one costs more than reading a few of its counts. */
  private views: Cells[] = [];

  /** @param forRows the rows that it is to begin with room for; `reserve` makes more. Few of them take a quarter of the memory. */
  constructor(columns: number, forRows = Infinity) {
    this.counts = cellsFor(forRows, columns * CODES);
  }

  get columns(): number {
    return this.counts.length / CODES;
  }

  /** Makes room for features that were registered later. */
  ensureColumns(columns: number): void {
    if (columns * CODES <= this.counts.length) return;
    this.replace(cellsFor(2 ** (8 * this.counts.BYTES_PER_ELEMENT) - 1, columns * CODES));
  }

  /** Makes room for `rows` more: to be called before they are counted. */
  reserve(rows: number): void {
    if (this.rows + rows >= 2 ** (8 * this.counts.BYTES_PER_ELEMENT) && this.counts.BYTES_PER_ELEMENT < 4)
      this.replace(cellsFor(this.rows + rows, this.counts.length));
  }

  private replace(larger: Cells): void {
    larger.set(this.counts);
    this.counts = larger;
    this.views = [];
  }

  addTail(column: number, code: number, value: number): void {
    const key = column * CODES + code;
    this.tails.set(key, (this.tails.get(key) ?? 0) + value);
  }

  add(other: FeatureCounts): void {
    this.ensureColumns(other.columns);
    this.reserve(other.rows);
    const into = this.counts;
    const from = other.counts;
    for (let i = 0; i < from.length; i++) into[i] = into[i]! + from[i]!;
    for (const [key, sum] of other.tails) this.tails.set(key, (this.tails.get(key) ?? 0) + sum);
    for (let code = 0; code < CODES; code++) this.positives[code] = this.positives[code]! + other.positives[code]!;
    this.rows += other.rows;
    this.scoreSum += other.scoreSum;
    this.confidenceRows += other.confidenceRows;
    this.confidenceSum += other.confidenceSum;
  }

  /** @param positiveClass -1: none, as for all models but binary ones */
  countPositive(scoreCode: number, classCode: number, positiveClass: number): void {
    if (classCode === positiveClass && scoreCode < MISSING) this.positives[scoreCode] = this.positives[scoreCode]! + 1;
  }

  clear(): void {
    this.rows = 0;
    this.counts.fill(0);
    this.tails.clear();
    this.positives.fill(0);
    this.scoreSum = 0;
    this.confidenceRows = 0;
    this.confidenceSum = 0;
  }

  tailsOf(column: number): ColumnTails {
    return new ColumnTails(this.tails, column);
  }

  /** The 256 counts of one column, as a view. */
  column(column: number): Cells {
    return (this.views[column] ??= this.counts.subarray(column * CODES, (column + 1) * CODES));
  }
}

/** The tails of one column, by code; 0 where none are kept. */
class ColumnTails {
  private readonly tails: ReadonlyMap<number, number>;
  private readonly first: number;

  constructor(tails: ReadonlyMap<number, number>, column: number) {
    this.tails = tails;
    this.first = column * CODES;
  }

  at(code: number): number {
    return this.tails.get(this.first + code) ?? 0;
  }
}
