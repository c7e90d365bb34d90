import { latencyCode } from './latency-buckets.ts';
import { SortedCounts } from './sorted-counts.ts';

/** Error code of a prediction that did not fail. Codes 1..254 are the model's error reasons, 255 is every reason beyond them. */
export const NO_ERROR = 0;
export const OTHER_ERROR = 255;

/** What traffic is read and added into. */
export interface TrafficCounts {
  rows: number;
  readonly errors: { add(code: number, count: number): void };
  latencyRows: number;
  latencySum: number;
  logSum: number;
  logSquareSum: number;
  maxSeconds: number;
  readonly latency: { add(code: number, count: number): void };
}

/** All of it but the counts by code. */
export function addSums(into: TrafficCounts, other: TrafficCounts): void {
  into.rows += other.rows;
  into.latencyRows += other.latencyRows;
  into.latencySum += other.latencySum;
  into.logSum += other.logSum;
  into.logSquareSum += other.logSquareSum;
  into.maxSeconds = Math.max(into.maxSeconds, other.maxSeconds);
}

/** Latency and errors of one minute, or of any sum of minutes (see traffic-sum.ts). */
export class Traffic implements TrafficCounts {
  rows = 0;
  /** Rows by error code. */
  readonly errors: SortedCounts;
  latencyRows = 0;
  /** Sums of seconds, of ln seconds and of its square (Welch's test on log latency); zero latencies enter the logs as LOG_FLOOR. */
  latencySum = 0;
  logSum = 0;
  logSquareSum = 0;
  maxSeconds = 0;
  /** Rows by latency code. */
  readonly latency: SortedCounts;

  constructor(errors = new SortedCounts(), latency = new SortedCounts()) {
    this.errors = errors;
    this.latency = latency;
  }

  /** `latencySeconds` NaN: not reported. */
  addRow(error: number, latencySeconds: number): void {
    this.rows++;
    if (error !== NO_ERROR) this.errors.add(error, 1);
    if (Number.isNaN(latencySeconds)) return;
    const log = Math.log(Math.max(latencySeconds, LOG_FLOOR_SECONDS));
    this.latencyRows++;
    this.latencySum += latencySeconds;
    this.logSum += log;
    this.logSquareSum += log * log;
    if (latencySeconds > this.maxSeconds) this.maxSeconds = latencySeconds;
    this.latency.add(latencyCode(latencySeconds), 1);
  }

  add(other: Traffic): void {
    addSums(this, other);
    this.errors.addAll(other.errors);
    this.latency.addAll(other.latency);
  }

  get errorRows(): number {
    return this.errors.total;
  }
}

/** A tenth of a microsecond: clocks that report 0 must not make the mean of the logs -Infinity. */
const LOG_FLOOR_SECONDS = 1e-7;
