import {
  addBucketFeatures,
  addBucketOutcomes,
  addPerformance,
  decodeBucket,
  emptyBucket,
  encodeBucket,
} from '../histogram/bucket-codec.ts';
import type { BucketCounts } from '../histogram/bucket-codec.ts';
import { FeatureCounts } from '../histogram/counts.ts';
import type { GroupKey } from '../histogram/delta-codec.ts';
import { PerformanceCounts } from '../histogram/performance-counts.ts';
import { DAY_MINUTES, DAY_MS, MINUTE_MS, windowSpan } from '../histogram/time-bucket.ts';
import type { MinuteSpan } from '../histogram/time-bucket.ts';
import { Traffic } from '../histogram/traffic.ts';

/**
 * A time bucket of one model version and scheme. Open: dense counts, beside the cached sums. Closed: bytes, counted in the sums.
 * A bucket opens when something arrives for it, and closes when the fold has stored it and its time is over.
 */
export interface Bucket extends GroupKey {
  open: BucketCounts | null;
  bytes: Buffer | null;
  /** Something arrived that is not folded yet. */
  dirty: boolean;
}

interface FeatureSum extends MinuteSpan {
  readonly revision: number;
  readonly counts: FeatureCounts;
}
interface OutcomeSum extends MinuteSpan {
  readonly revision: number;
  readonly traffic: Traffic;
  readonly performance: PerformanceCounts;
}

/** What a window holds: fresh objects for traffic and performance, a shared scratch for features (valid until the next call). */
export interface WindowCounts {
  readonly features: FeatureCounts;
  readonly traffic: Traffic;
  readonly performance: PerformanceCounts;
}

const featureScratch = new FeatureCounts(0);

/**
 * The buckets of one model version under one scheme, and the windows over them. A window is the sum of its buckets; the closed ones
 * are summed once and again only when the window moves on or one of them changes.
 */
export class VersionWindows {
  private readonly buckets = new Map<number, Bucket>();
  private readonly featureSums = new Map<number, FeatureSum>();
  private readonly outcomeSums = new Map<number, OutcomeSum>();
  /** Grows whenever the set of closed buckets, or one of them, changes. */
  private revision = 0;

  get isEmpty(): boolean {
    return this.buckets.size === 0;
  }

  /** For writing: opens the bucket, and makes it when it is new. */
  openForWriting(key: GroupKey, columns: number): Bucket & { open: BucketCounts } {
    const id = bucketId(key);
    let bucket = this.buckets.get(id);
    if (bucket === undefined) {
      bucket = { ...bare(key), open: emptyBucket(columns), bytes: null, dirty: true };
      this.buckets.set(id, bucket);
    }
    if (bucket.open === null) {
      bucket.open = decodeBucket(bucket.bytes!);
      this.revision++;
    }
    bucket.dirty = true;
    return bucket as Bucket & { open: BucketCounts };
  }

  has(key: GroupKey): boolean {
    return this.buckets.has(bucketId(key));
  }

  /** As read from the store. */
  load(key: GroupKey, bytes: Buffer): void {
    this.buckets.set(bucketId(key), { ...bare(key), open: null, bytes, dirty: false });
    this.revision++;
  }

  /** Bytes of a bucket that is about to be stored; they count as its bytes from now on. */
  encode(bucket: Bucket): Buffer {
    bucket.bytes = encodeBucket(bucket.open!);
    bucket.dirty = false;
    return bucket.bytes;
  }

  /** Closes what is stored and over, forgets what no window reaches any more; minutes since the epoch. */
  settle(nowMinute: number, oldestMinute: number): void {
    for (const [id, bucket] of this.buckets) {
      if (bucket.dirty) continue;
      const end = bucket.bucketStart + bucket.bucketMinutes;
      if (end <= oldestMinute) {
        this.buckets.delete(id);
        this.revision++;
      } else if (bucket.open !== null && end <= nowMinute) {
        bucket.open = null;
        this.revision++;
      }
    }
  }

  /**
   * @param nowMs end of the window
   * @param columns columns of the version now; 0: features are not asked for
   */
  window(nowMs: number, windowMs: number, columns: number): WindowCounts {
    const span = windowSpan(nowMs, windowMs);
    const outcomes = this.outcomes(span, windowMs);
    const traffic = new Traffic();
    const performance = new PerformanceCounts();
    traffic.add(outcomes.traffic);
    performance.merge(outcomes.performance, 1);
    featureScratch.clear();
    if (columns > 0) {
      featureScratch.ensureColumns(columns);
      featureScratch.add(this.features(span, windowMs).counts);
    }
    for (const bucket of this.buckets.values()) {
      if (bucket.open === null) continue;
      for (const [minute, of] of bucket.open.minutes) if (inSpan(bucket.bucketStart + minute, span)) traffic.add(of);
      if (!isInside(bucket, span)) continue;
      if (columns > 0) featureScratch.add(bucket.open.features);
      addPerformance(bucket.open, performance);
    }
    return { features: featureScratch, traffic, performance };
  }

  /**
   * Predictions since the UTC day began, or since the last bucket in which they would have become more than `mostRows`: boundaries that
   * the clock and the numbers of rows set, never what the rows say. A bucket that alone is larger is passed over.
   */
  stream(
    nowMs: number,
    mostRows: number,
    columns: number,
  ): { readonly sinceMs: number; readonly features: FeatureCounts } {
    const day = Math.floor(nowMs / DAY_MS) * DAY_MINUTES;
    const features = new FeatureCounts(columns);
    const part = new FeatureCounts(columns);
    let since = day;
    const today = [...this.buckets.values()].filter(({ bucketStart }) => bucketStart >= day);
    for (const bucket of today.sort((a, b) => a.bucketStart - b.bucketStart)) {
      part.clear();
      if (bucket.open === null) addBucketFeatures(bucket.bytes!, part);
      else part.add(bucket.open.features);
      if (features.rows + part.rows > mostRows) {
        features.clear();
        since = bucket.bucketStart + (part.rows > mostRows ? bucket.bucketMinutes : 0);
      }
      if (part.rows <= mostRows) features.add(part);
    }
    return { sinceMs: since * MINUTE_MS, features };
  }

  private features(span: MinuteSpan, windowMs: number): FeatureSum {
    const known = this.featureSums.get(windowMs);
    if (known?.from === span.from && known.to === span.to && known.revision === this.revision) return known;
    const counts = known?.counts ?? new FeatureCounts(0);
    counts.clear();
    for (const bucket of this.buckets.values())
      if (bucket.open === null && isInside(bucket, span)) addBucketFeatures(bucket.bytes!, counts);
    const sum = { ...span, revision: this.revision, counts };
    this.featureSums.set(windowMs, sum);
    return sum;
  }

  private outcomes(span: MinuteSpan, windowMs: number): OutcomeSum {
    const known = this.outcomeSums.get(windowMs);
    if (known?.from === span.from && known.to === span.to && known.revision === this.revision) return known;
    const traffic = new Traffic();
    const performance = new PerformanceCounts();
    for (const bucket of this.buckets.values()) {
      if (
        bucket.open !== null ||
        bucket.bucketStart >= span.to ||
        bucket.bucketStart + bucket.bucketMinutes <= span.from
      )
        continue;
      addBucketOutcomes(bucket.bytes!, bucket.bucketStart, span, traffic, isInside(bucket, span) ? performance : null);
    }
    const sum = { ...span, revision: this.revision, traffic, performance };
    this.outcomeSums.set(windowMs, sum);
    return sum;
  }

  *dirty(): IterableIterator<Bucket> {
    for (const bucket of this.buckets.values()) if (bucket.dirty) yield bucket;
  }
}

/** Buckets of several lengths may begin at the same minute, when a window was made shorter or longer: 1, 60 and 1440 differ modulo 11. */
function bucketId({ bucketStart, bucketMinutes }: GroupKey): number {
  return bucketStart * 11 + (bucketMinutes % 11);
}

function bare({ versionId, schemeId, segmentId, bucketStart, bucketMinutes }: GroupKey): GroupKey {
  return { versionId, schemeId, segmentId, bucketStart, bucketMinutes };
}

/** Whole buckets only: an hour that began before a window of minutes is not in it. */
function isInside(bucket: GroupKey, span: MinuteSpan): boolean {
  return inSpan(bucket.bucketStart, span);
}

function inSpan(minute: number, span: MinuteSpan): boolean {
  return minute >= span.from && minute < span.to;
}
