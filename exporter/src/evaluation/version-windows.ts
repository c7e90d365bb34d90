import type { ModelCounts, NeededCounts } from '../checks/check.ts';
import {
  addBucketFeatures,
  addBucketOutcomes,
  addPerformance,
  decodeBucket,
  emptyBucket,
  encodeBucket,
  withoutMinutes,
} from '../histogram/bucket-codec.ts';
import type { BucketCounts } from '../histogram/bucket-codec.ts';
import { FeatureCounts } from '../histogram/counts.ts';
import type { GroupKey } from '../histogram/delta-codec.ts';
import { PerformanceCounts } from '../histogram/performance-counts.ts';
import { addRestingFeatures, restFeatures } from '../histogram/resting-features.ts';
import { DAY_MINUTES, DAY_MS, MINUTE_MS, windowSpan } from '../histogram/time-bucket.ts';
import type { MinuteSpan } from '../histogram/time-bucket.ts';
import { Traffic } from '../histogram/traffic.ts';
import { TrafficSum } from '../histogram/traffic-sum.ts';

/**
 * A time bucket of one model version and scheme. Open: dense counts, beside the cached sums. Closed: bytes, counted in the sums.
 * A bucket opens when something arrives for it, and closes when the fold has stored it and its time is over. Once no window of minutes
 * reaches it any more, it keeps its traffic in one sum; the store has it whole, and it must be read back before it opens again.
 */
export interface Bucket extends GroupKey {
  open: BucketCounts | null;
  bytes: Buffer | null;
  /** Its bytes are those that are stored. */
  whole: boolean;
  /** Something arrived that is not folded yet. */
  dirty: boolean;
}

type OpenBucket = Bucket & { open: BucketCounts };

/** A sum over the closed buckets of one window, for as long as neither it nor they move. */
interface Sum<Counts> extends MinuteSpan {
  readonly revision: number;
  readonly counts: Counts;
}

export const ALL_COUNTS: NeededCounts = new Set(['features', 'traffic', 'performance']);

/** The longest window that slides by minutes, and the tolerance for clocks that run ahead. */
const MINUTES_REACH_BACK = 130;

const featureScratch = new FeatureCounts(0);
const sumScratch = new FeatureCounts(0);
const trafficScratch = new TrafficSum();

/**
 * The buckets of one model version under one scheme, and the windows over them. A window is the sum of its buckets; the closed ones
 * are summed once and again only when the window moves on or one of them changes.
 */
export class VersionWindows {
  private readonly buckets = new Map<number, Bucket>();
  /** By length of window. */
  private readonly featureSums = new Map<number, Sum<Buffer>>();
  private readonly trafficSums = new Map<number, Sum<Traffic>>();
  private readonly performanceSums = new Map<number, Sum<PerformanceCounts>>();
  /** Grows whenever the set of closed buckets, or one of them, changes. */
  private revision = 0;

  get isEmpty(): boolean {
    return this.buckets.size === 0;
  }

  /** For writing: opens the bucket, and makes it when it is new. */
  openForWriting(key: GroupKey, columns: number): OpenBucket {
    const id = bucketId(key);
    let bucket = this.buckets.get(id);
    if (bucket === undefined) {
      bucket = makeBucket(key, emptyBucket(columns, 0), null);
      this.buckets.set(id, bucket);
    }
    if (bucket.open === null) {
      if (!bucket.whole) throw new Error(`the time bucket of minute ${key.bucketStart} was not read back`);
      bucket.open = decodeBucket(bucket.bytes!);
      this.revision++;
    }
    bucket.dirty = true;
    return bucket as OpenBucket;
  }

  /** undefined: it is not here. false: it must be loaded again before it is written to. */
  isWhole(key: GroupKey): boolean | undefined {
    return this.buckets.get(bucketId(key))?.whole;
  }

  /** As read from the store. */
  load(key: GroupKey, bytes: Buffer): void {
    this.buckets.set(bucketId(key), makeBucket(key, null, bytes));
    this.revision++;
  }

  forget(key: GroupKey): void {
    if (this.buckets.delete(bucketId(key))) this.revision++;
  }

  /** Bytes of a bucket that is about to be stored; they count as its bytes from now on. */
  encode(bucket: Bucket): Buffer {
    bucket.bytes = encodeBucket(bucket.open!);
    bucket.whole = true;
    bucket.dirty = false;
    return bucket.bytes;
  }

  /** Closes what is stored and over, lets go of old minutes, forgets what no window reaches any more; minutes since the epoch. */
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
      if (
        bucket.open === null &&
        bucket.whole &&
        bucket.bucketMinutes === 60 &&
        end <= nowMinute - MINUTES_REACH_BACK
      ) {
        bucket.bytes = withoutMinutes(bucket.bytes!);
        bucket.whole = false;
      }
    }
  }

  /**
   * Fresh objects for traffic and performance, a shared scratch for features (valid until the next call); empty where not needed.
   *
   * @param nowMs end of the window
   * @param columns columns of the version now
   */
  window(nowMs: number, windowMs: number, columns: number, needs: NeededCounts = ALL_COUNTS): ModelCounts {
    const span = windowSpan(nowMs, windowMs);
    const features = featureScratch;
    const performance = new PerformanceCounts();
    const [ofFeatures, ofPerformance] = [needs.has('features'), needs.has('performance')];
    features.clear();
    if (ofFeatures) {
      features.ensureColumns(columns);
      addRestingFeatures(this.features(span, windowMs), features);
    }
    if (ofPerformance) performance.merge(this.performance(span, windowMs), 1);
    for (const bucket of this.buckets.values()) {
      const { open } = bucket;
      if (open === null) continue;
      const inside = isInside(bucket, span);
      if (ofFeatures && inside) features.add(open.features);
      if (ofPerformance && inside) addPerformance(open, performance);
    }
    const traffic = needs.has('traffic') ? this.traffic(span, windowMs) : new Traffic();
    return { features, traffic, performance };
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

  /** Packed, which is a quarter of what it takes spread out. */
  private features(span: MinuteSpan, windowMs: number): Buffer {
    return this.sum(this.featureSums, span, windowMs, () => {
      sumScratch.clear();
      for (const bucket of this.closed()) if (isInside(bucket, span)) addBucketFeatures(bucket.bytes, sumScratch);
      return restFeatures(sumScratch);
    });
  }

  private traffic(span: MinuteSpan, windowMs: number): Traffic {
    const closed = this.closedTraffic(span, windowMs);
    trafficScratch.clear();
    trafficScratch.add(closed);
    for (const { bucketStart, open } of this.buckets.values())
      open?.minutes.forEach((of, minute) => {
        if (inSpan(bucketStart + minute, span)) trafficScratch.add(of);
      });
    return trafficScratch.total();
  }

  private closedTraffic(span: MinuteSpan, windowMs: number): Traffic {
    return this.sum(this.trafficSums, span, windowMs, () => {
      trafficScratch.clear();
      for (const { bucketStart, bucketMinutes, bytes } of this.closed())
        if (bucketStart < span.to && bucketStart + bucketMinutes > span.from)
          addBucketOutcomes(bytes, bucketStart, span, trafficScratch, null);
      return trafficScratch.total();
    });
  }

  private performance(span: MinuteSpan, windowMs: number): PerformanceCounts {
    return this.sum(this.performanceSums, span, windowMs, () => {
      const performance = new PerformanceCounts();
      for (const bucket of this.closed())
        if (isInside(bucket, span)) addBucketOutcomes(bucket.bytes, bucket.bucketStart, span, null, performance);
      return performance;
    });
  }

  /** The one kept for this length of window, or made anew. */
  private sum<Counts>(
    kept: Map<number, Sum<Counts>>,
    { from, to }: MinuteSpan,
    windowMs: number,
    make: () => Counts,
  ): Counts {
    const known = kept.get(windowMs);
    if (known?.from === from && known.to === to && known.revision === this.revision) return known.counts;
    const counts = make();
    kept.set(windowMs, { from, to, revision: this.revision, counts });
    return counts;
  }

  private *closed(): IterableIterator<Bucket & { bytes: Buffer }> {
    for (const bucket of this.buckets.values()) if (bucket.open === null) yield bucket as Bucket & { bytes: Buffer };
  }

  *dirty(): IterableIterator<Bucket> {
    for (const bucket of this.buckets.values()) if (bucket.dirty) yield bucket;
  }
}

/** Buckets of several lengths may begin at the same minute, when a window was made shorter or longer: 1, 60 and 1440 differ modulo 11. */
function bucketId({ bucketStart, bucketMinutes }: GroupKey): number {
  return bucketStart * 11 + (bucketMinutes % 11);
}

/** Written out: every object that V8 makes of spread parts has a hidden class of its own, larger than itself, and slow to read. */
function makeBucket(
  { versionId, schemeId, segmentId, bucketStart, bucketMinutes }: GroupKey,
  open: BucketCounts | null,
  bytes: Buffer | null,
): Bucket {
  return {
    versionId,
    schemeId,
    segmentId,
    bucketStart,
    bucketMinutes,
    open,
    bytes,
    whole: true,
    dirty: open !== null,
  };
}

/** Whole buckets only: an hour that began before a window of minutes is not in it. */
function isInside(bucket: GroupKey, span: MinuteSpan): boolean {
  return inSpan(bucket.bucketStart, span);
}

function inSpan(minute: number, span: MinuteSpan): boolean {
  return minute >= span.from && minute < span.to;
}
