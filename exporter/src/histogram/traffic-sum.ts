import { LATENCY_CODES } from './latency-buckets.ts';
import { SortedCounts } from './sorted-counts.ts';
import { addSums, Traffic } from './traffic.ts';
import type { TrafficCounts } from './traffic.ts';

const ERROR_CODES = 256;

/**
 * Adds up the traffic of many minutes, where every code has its place: a `Traffic` makes its counts anew for each that is added to it,
 * which for thousands of models whose windows move on by the minute was a third of all that they left to the garbage collector.
 */
export class TrafficSum implements TrafficCounts {
  rows = 0;
  readonly errors = new DenseCounts(ERROR_CODES);
  latencyRows = 0;
  latencySum = 0;
  logSum = 0;
  logSquareSum = 0;
  maxSeconds = 0;
  readonly latency = new DenseCounts(LATENCY_CODES);

  add(traffic: Traffic): void {
    addSums(this, traffic);
    this.errors.addAll(traffic.errors);
    this.latency.addAll(traffic.latency);
  }

  clear(): void {
    this.rows = this.latencyRows = this.latencySum = this.logSum = this.logSquareSum = this.maxSeconds = 0;
    this.errors.clear();
    this.latency.clear();
  }

  total(): Traffic {
    const traffic = new Traffic(this.errors.sorted(), this.latency.sorted());
    addSums(traffic, this);
    return traffic;
  }
}

/** Counts by code, one place for each. */
class DenseCounts {
  private readonly counts: Float64Array;
  /** Only codes in [from, to) may have been counted. */
  private from = Infinity;
  private to = 0;

  constructor(codes: number) {
    this.counts = new Float64Array(codes);
  }

  /** @throws RangeError for a code that has no place, as only damaged bytes have */
  add(code: number, count: number): void {
    if (code >= this.counts.length) throw new RangeError(`code ${code} of ${this.counts.length}`);
    this.counts[code]! += count;
    if (code < this.from) this.from = code;
    if (code >= this.to) this.to = code + 1;
  }

  addAll(counts: SortedCounts): void {
    counts.each((code, count) => {
      this.add(code, count);
    });
  }

  clear(): void {
    this.counts.fill(0, this.from, this.to);
    this.from = Infinity;
    this.to = 0;
  }

  sorted(): SortedCounts {
    return SortedCounts.of(this.counts, this.from, this.to);
  }
}
