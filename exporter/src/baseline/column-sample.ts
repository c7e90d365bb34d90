/** Enough for the edges of 200 bins: the standard error of a quantile's rank is at most 0.16 %, a third of a bin. */
const SAMPLE_SIZE = 100_000;

/**
 * A uniform sample of a stream of numbers (Vitter's algorithm R, with a fixed generator so that the same baseline gives the same bins),
 * with the exact extremes and mean. NaN and infinities are passed over.
 */
export class ColumnSample {
  private kept: Float64Array = new Float64Array(1_024);
  private size = 0;
  private state: number;
  seen = 0;
  min = Infinity;
  max = -Infinity;
  private sum = 0;

  constructor(seed: number) {
    this.state = (seed + 1) >>> 0;
  }

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    this.seen++;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    if (this.size < SAMPLE_SIZE) {
      if (this.size === this.kept.length) this.grow();
      this.kept[this.size++] = value;
      return;
    }
    const at = Math.floor(this.random() * this.seen);
    if (at < SAMPLE_SIZE) this.kept[at] = value;
  }

  /** NaN of an empty sample. */
  get mean(): number {
    return this.sum / this.seen;
  }

  /** The sample, with the extremes of the whole in it. */
  values(): Float64Array {
    if (this.seen === this.size) return this.kept.slice(0, this.size);
    const values = new Float64Array(this.size + 2);
    values.set(this.kept.subarray(0, this.size));
    values[this.size] = this.min;
    values[this.size + 1] = this.max;
    return values;
  }

  private grow(): void {
    const grown = new Float64Array(Math.min(SAMPLE_SIZE, this.kept.length * 4));
    grown.set(this.kept);
    this.kept = grown;
  }

  /** mulberry32 (public domain, T. Ettinger). */
  private random(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }
}
