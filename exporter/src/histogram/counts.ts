import { CODES, MISSING } from './bin-scheme.ts';

/**
 * Counts of one stretch of time of one model version: a time bucket, a window (the sum of its buckets) or a baseline.
 * Everything in it adds: integers, or sums of doubles.
 */
export class FeatureCounts {
  rows = 0;
  /** counts[column * 256 + code]; see model-columns.ts for columns and bin-scheme.ts for codes. */
  counts: Uint32Array;
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
  private views: Uint32Array[] = [];

  constructor(columns: number) {
    this.counts = new Uint32Array(columns * CODES);
  }

  get columns(): number {
    return this.counts.length / CODES;
  }

  /** Makes room for features that were registered later. */
  ensureColumns(columns: number): void {
    if (columns * CODES <= this.counts.length) return;
    const wider = new Uint32Array(columns * CODES);
    wider.set(this.counts);
    this.counts = wider;
    this.views = [];
  }

  addTail(column: number, code: number, value: number): void {
    const key = column * CODES + code;
    this.tails.set(key, (this.tails.get(key) ?? 0) + value);
  }

  add(other: FeatureCounts): void {
    this.ensureColumns(other.columns);
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

  /** The 256 counts of one column, as a view. */
  column(column: number): Uint32Array {
    return (this.views[column] ??= this.counts.subarray(column * CODES, (column + 1) * CODES));
  }
}
