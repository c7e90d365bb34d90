import type { ModelBaseline, ModelCounts } from '../checks/check.ts';
import { windowsOf } from '../domain/settings.ts';
import type { BaselineMode, ModelSettings } from '../domain/settings.ts';
import { addBucketFeatures, addBucketOutcomes } from '../histogram/bucket-codec.ts';
import { FeatureCounts } from '../histogram/counts.ts';
import type { GroupKey } from '../histogram/delta-codec.ts';
import { FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import { PerformanceCounts } from '../histogram/performance-counts.ts';
import { WHOLE } from '../histogram/segments.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../histogram/time-bucket.ts';
import type { MinuteSpan } from '../histogram/time-bucket.ts';
import { TrafficSum } from '../histogram/traffic-sum.ts';

/** Stored time buckets of one scheme and segment whose start lies in one of the spans. */
export type PastBuckets = (
  versionId: number,
  schemeId: number,
  segmentId: number,
  spans: readonly MinuteSpan[],
) => Promise<readonly { readonly key: GroupKey; readonly bytes: Uint8Array }[]>;

/** What the windows of a version are compared with instead of its plain baseline. */
export interface WindowBaselines {
  /** By length of window; a window that is not in it is compared with the plain baseline. */
  readonly byWindow: ReadonlyMap<number, ModelBaseline>;
  /** Why a window is not in it; null: all are. */
  readonly reason: string | null;
}

const WEEK_MS = 7 * DAY_MS;
/** Of the same hours of the week: four of each. */
const SEASONS = 4;
const NONE: WindowBaselines = { byWindow: new Map(), reason: null };

/**
 * The stretches of past time that a window is compared with, whole hours, newest first; none for a baseline that stands still. Rolling:
 * the 7 d before the window. Seasonal: the hours of the week that the window touches, in the four weeks that end before it begins.
 */
export function pastSpans(mode: BaselineMode, nowMs: number, windowMs: number): MinuteSpan[] {
  const from = Math.floor((nowMs - windowMs) / HOUR_MS) * HOUR_MS;
  const to = Math.ceil((nowMs + MINUTE_MS) / HOUR_MS) * HOUR_MS;
  if (mode === 'rolling') return [minutes(from - WEEK_MS, from)];
  if (mode !== 'seasonal') return [];
  const first = Math.ceil((to - from) / WEEK_MS);
  return Array.from({ length: SEASONS }, (_, i) => minutes(from - (first + i) * WEEK_MS, to - (first + i) * WEEK_MS));
}

/** How far back from now statistics must reach for these settings: the longest window, and what it is compared with. */
export function reachMs(settings: ModelSettings, nowMs: number): number {
  const { mode } = settings.baseline;
  const starts = windowsOf(settings).flatMap((windowMs) => [
    nowMs - windowMs,
    ...pastSpans(mode, nowMs, windowMs).map(({ from }) => from * MINUTE_MS),
  ]);
  return nowMs - Math.min(...starts);
}

/**
 * Rolling and seasonal baselines: sums of stored buckets under the bins of the plain baseline, so that nothing is counted but additions.
 * Read anew every hour, when the stretches move on, and every minute while there is too little of them.
 */
export class MovingBaselines {
  private readonly past: PastBuckets;
  private readonly known = new Map<
    string,
    { readonly hour: number; readonly minute: number; readonly found: WindowBaselines }
  >();

  constructor(past: PastBuckets) {
    this.past = past;
  }

  async of(
    target: ModelTarget,
    settings: ModelSettings,
    nowMs: number,
    segmentId: number = WHOLE,
  ): Promise<WindowBaselines> {
    const id = `${target.scheme.id}:${segmentId}`;
    const { mode } = settings.baseline;
    if (mode !== 'rolling' && mode !== 'seasonal') return NONE;
    const hour = Math.floor(nowMs / HOUR_MS);
    const minute = Math.floor(nowMs / MINUTE_MS);
    const known = this.known.get(id);
    if (known?.hour === hour && (known.found.reason === null || known.minute === minute)) return known.found;
    const byWindow = new Map<number, ModelBaseline>();
    const short: string[] = [];
    for (const windowMs of new Set(windowsOf(settings))) {
      const baseline = await this.sum(target, segmentId, mode, nowMs, windowMs);
      if (baseline.features.rows >= settings.minimumSamples.alert) byWindow.set(windowMs, baseline);
      else short.push(`${windowMs / HOUR_MS} h (${baseline.features.rows})`);
    }
    const reason =
      short.length === 0
        ? null
        : `fewer than ${settings.minimumSamples.alert} predictions ${mode === 'rolling' ? 'in the 7 days before the window' : 'in the same hours of the four weeks before'}: compared with the plain baseline over ${short.join(', ')}`;
    const found = { byWindow, reason };
    this.known.set(id, { hour, minute, found });
    return found;
  }

  /** Forgets what is not among the schemes in use. */
  keep(schemeIds: ReadonlySet<number>): void {
    for (const id of this.known.keys()) if (!schemeIds.has(parseInt(id, 10))) this.known.delete(id);
  }

  private async sum(
    target: ModelTarget,
    segmentId: number,
    mode: 'rolling' | 'seasonal',
    nowMs: number,
    windowMs: number,
  ): Promise<ModelBaseline> {
    const spans = pastSpans(mode, nowMs, windowMs);
    const counts = await sumPast(this.past, target, segmentId, spans);
    return { kind: mode, madeAtMs: spans[0]!.to * MINUTE_MS, ...counts };
  }
}

/** The sum of what is stored of those stretches under the present bins of the version. */
export async function sumPast(
  past: PastBuckets,
  target: ModelTarget,
  segmentId: number,
  spans: readonly MinuteSpan[],
): Promise<ModelCounts> {
  const features = new FeatureCounts(FIRST_FEATURE_COLUMN + target.features.length);
  const traffic = new TrafficSum();
  const performance = new PerformanceCounts();
  for (const { key, bytes } of await past(target.versionId, target.scheme.id, segmentId, spans)) {
    addBucketFeatures(bytes, features);
    addBucketOutcomes(bytes, key.bucketStart, EVER, traffic, performance);
  }
  return { features, traffic: traffic.total(), performance };
}

const EVER: MinuteSpan = { from: -Infinity, to: Infinity };

function minutes(fromMs: number, toMs: number): MinuteSpan {
  return { from: fromMs / MINUTE_MS, to: toMs / MINUTE_MS };
}
