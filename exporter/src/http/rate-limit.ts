/** Buckets that nobody asked of for a while are full again, and forgotten. */
const REMEMBERED = 10_000;

/**
 * Token buckets by key: `perSecond` on average, `burst` at once. Of the time that `nowMs` tells, which must not go back.
 */
export class RateLimit {
  private readonly perSecond: () => number;
  private readonly burst: () => number;
  private readonly nowMs: () => number;
  private readonly buckets = new Map<string, { level: number; atMs: number }>();

  constructor(options: {
    readonly perSecond: () => number;
    readonly burst: () => number;
    readonly nowMs: () => number;
  }) {
    this.perSecond = options.perSecond;
    this.burst = options.burst;
    this.nowMs = options.nowMs;
  }

  /** 0 when there was one left, which is taken; else seconds until there is one. */
  take(key: string): number {
    const bucket = this.current(key);
    if (bucket.level < 1) return Math.max(1, Math.ceil((1 - bucket.level) / this.perSecond()));
    bucket.level -= 1;
    return 0;
  }

  private current(key: string): { level: number; atMs: number } {
    const nowMs = this.nowMs();
    const known = this.buckets.get(key);
    // Taken out and put in again: the least recently asked one is the first of the map.
    this.buckets.delete(key);
    if (this.buckets.size >= REMEMBERED) this.buckets.delete(this.buckets.keys().next().value!);
    const bucket =
      known === undefined
        ? { level: this.burst(), atMs: nowMs }
        : {
            level: Math.min(this.burst(), known.level + ((nowMs - known.atMs) / 1000) * this.perSecond()),
            atMs: nowMs,
          };
    this.buckets.set(key, bucket);
    return bucket;
  }
}
