import type { BucketCounts } from './bucket-codec.ts';
import type { FeatureCounts } from './counts.ts';
import { latencyBucketUpperSeconds } from './latency-buckets.ts';
import type { SortedCounts } from './sorted-counts.ts';
import type { Traffic } from './traffic.ts';

/**
 * Takes counts out of those they are part of. Counts are exact; sums of doubles are to rounding; the greatest latency is that of the
 * highest bucket still occupied (3 % wide), for nothing stored says which row came second.
 * What is not there is not taken: a count never falls below 0.
 */
export function takeOut(from: BucketCounts, erased: Pick<BucketCounts, 'features' | 'minutes'>): void {
  const { features } = from;
  features.ensureColumns(erased.features.columns);
  subtract(features.counts, erased.features.counts);
  subtract(features.positives, erased.features.positives);
  features.rows = Math.max(0, features.rows - erased.features.rows);
  features.scoreSum -= erased.features.scoreSum;
  features.confidenceRows = Math.max(0, features.confidenceRows - erased.features.confidenceRows);
  features.confidenceSum -= erased.features.confidenceSum;
  for (const [cell, sum] of erased.features.tails) {
    if (features.counts[cell] === 0) features.tails.delete(cell);
    else features.tails.set(cell, (features.tails.get(cell) ?? 0) - sum);
  }
  for (const [minute, traffic] of erased.minutes) {
    const known = from.minutes.get(minute);
    if (known === undefined) continue;
    if (known.rows <= traffic.rows) from.minutes.delete(minute);
    else takeOutTraffic(known, traffic);
  }
}

function takeOutTraffic(from: Traffic, erased: Traffic): void {
  from.rows -= erased.rows;
  subtractPairs(from.errors, erased.errors);
  subtractPairs(from.latency, erased.latency);
  from.latencyRows = Math.max(0, from.latencyRows - erased.latencyRows);
  if (from.latencyRows === 0) {
    from.latencySum = 0;
    from.logSum = 0;
    from.logSquareSum = 0;
    from.maxSeconds = 0;
    return;
  }
  from.latencySum -= erased.latencySum;
  from.logSum -= erased.logSum;
  from.logSquareSum -= erased.logSquareSum;
  from.maxSeconds = Math.min(from.maxSeconds, latencyBucketUpperSeconds(Math.max(0, from.latency.highest)));
}

function subtract(from: FeatureCounts['counts'], erased: FeatureCounts['counts']): void {
  for (let i = 0; i < erased.length; i++) from[i] = Math.max(0, from[i]! - erased[i]!);
}

function subtractPairs(from: SortedCounts, erased: SortedCounts): void {
  for (const [code, count] of erased) from.set(code, Math.max(0, from.get(code) - count));
}
