export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
/** Length of the time buckets that old ones are merged to. */
export const DAY_MINUTES = 1_440;

/** Windows up to this long are counted in minutes, so that they slide by minutes. */
const MINUTE_WINDOW_MAX_MS = 2 * HOUR_MS;

/** Length of the time buckets that features of a model are stored in. */
export type BucketMinutes = 1 | 60;

/** @param windowsMs of the checks that read features or labels: latency and errors are counted by the minute within any bucket */
export function bucketMinutesFor(windowsMs: readonly number[]): BucketMinutes {
  return windowsMs.some((windowMs) => windowMs <= MINUTE_WINDOW_MAX_MS) ? 1 : 60;
}

/** Start of the bucket that holds `timeMs`, in minutes since the epoch. Buckets are half-open: [start, start + minutes). */
export function bucketStart(timeMs: number, minutes: BucketMinutes): number {
  const minute = Math.floor(timeMs / MINUTE_MS);
  return minute - (minute % minutes);
}

/** A half-open span of whole minutes since the epoch. */
export interface MinuteSpan {
  readonly from: number;
  readonly to: number;
}

/**
 * The span of a sliding window: the current partial bucket and windowMs / bucket full ones before it. Buckets are minutes for
 * windows up to 2 h, hours up to 7 d, days beyond. The end lies one minute past `nowMs`' own bucket of arrival tolerance, because a
 * prediction may be stamped up to 5 minutes ahead.
 */
export function windowSpan(nowMs: number, windowMs: number): MinuteSpan {
  const minute = Math.floor(nowMs / MINUTE_MS);
  const bucket = slideMinutes(windowMs);
  const current = minute - (minute % bucket);
  return { from: current - Math.round(windowMs / MINUTE_MS), to: current + bucket + FUTURE_TOLERANCE_MINUTES };
}

/** What a window of this length slides by, in minutes. */
export function slideMinutes(windowMs: number): 1 | 60 | 1440 {
  if (windowMs <= MINUTE_WINDOW_MAX_MS) return 1;
  return windowMs <= 7 * DAY_MS ? 60 : 1440;
}

/** Predictions up to 5 minutes ahead of our clock are accepted, and belong to the current window. */
const FUTURE_TOLERANCE_MINUTES = 5;
