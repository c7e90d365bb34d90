import type { ModelCounts, NeededCounts } from '../checks/check.ts';
import type { ModelSettings } from '../domain/settings.ts';
import { emptyBucket } from '../histogram/bucket-codec.ts';
import type { BucketCounts } from '../histogram/bucket-codec.ts';
import { applyDelta } from '../histogram/delta-codec.ts';
import type { GroupKey, PerformanceGroup, PredictionSink } from '../histogram/delta-codec.ts';
import { FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { BinScheme } from '../histogram/model-columns.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import { PerformanceCounts } from '../histogram/performance-counts.ts';
import { WHOLE } from '../histogram/segments.ts';
import { takeOut } from '../histogram/take-out.ts';
import { CellMarks, cellSink, StatisticsTotals } from '../histogram/totals.ts';
import { Turns } from './turns.ts';
import { ALL_COUNTS, VersionWindows } from './version-windows.ts';
import type { Bucket } from './version-windows.ts';

/** A committed delta as the store hands it over. */
export interface StoredDelta {
  readonly id: number;
  /** Counts rows again under a new scheme: windows want it, totals have it. */
  readonly recount: boolean;
  /** Takes out of the windows what was counted; totals keep it, for counters never fall. */
  readonly erased?: boolean;
  readonly payload: Uint8Array;
}

/** What the memory needs to know of versions and schemes; both must have been loaded before a delta that names them is applied. */
export interface SchemeLookup {
  current(versionId: number): ModelTarget | undefined;
  loadedScheme(schemeId: number): BinScheme | undefined;
  settingsOf(versionId: number): ModelSettings | undefined;
  /** Code of the positive class that rows under the scheme are counted by; -1: none. */
  positiveClass(versionId: number, schemeId: number): number;
}

/** One moment of what has to be stored: the deltas it covers, and everything that they changed. */
export interface FoldWork {
  readonly deltaIds: readonly number[];
  readonly buckets: readonly { readonly key: GroupKey; readonly bytes: Buffer }[];
  readonly totals: readonly { readonly modelId: number; readonly versionId: number; readonly json: string }[];
}

/**
 * All statistics that the evaluator holds: windows and totals of every version. Every delta is applied once, by its id: ids become
 * visible out of order, so there is no high-water mark but a set of those applied and not yet folded.
 */
export class StatisticsMemory {
  private readonly schemes: SchemeLookup;
  /** By scheme and segment: a scheme belongs to one version. */
  private readonly windows = new Map<number, VersionWindows>();
  private readonly totals = new Map<number, StatisticsTotals>();
  private readonly unmatched = new Map<number, number>();
  private readonly marks = new Map<number, { readonly columns: number; readonly marks: CellMarks }>();
  readonly applied = new Set<number>();
  private readonly dirtyTotals = new Set<number>();
  private readonly dirtyModels = new Set<number>();
  /** Versions that something arrived for since the last look. */
  private readonly touched = new Set<number>();

  private cleared = 0;

  constructor(schemes: SchemeLookup) {
    this.schemes = schemes;
  }

  /** How often it was cleared: what is looked at piece by piece is looked at in vain once that has changed. */
  get clearings(): number {
    return this.cleared;
  }

  clear(): void {
    this.cleared++;
    for (const part of [
      this.windows,
      this.totals,
      this.unmatched,
      this.marks,
      this.applied,
      this.dirtyTotals,
      this.dirtyModels,
      this.touched,
    ])
      part.clear();
  }

  loadBucket(key: GroupKey, bytes: Buffer): void {
    this.windowsOf(key.schemeId, key.segmentId).load(key, bytes);
  }

  forgetBucket(key: GroupKey): void {
    this.windows.get(windowsKey(key.schemeId, key.segmentId))?.forget(key);
  }

  /** See VersionWindows.isWhole. */
  isWhole(key: GroupKey): boolean | undefined {
    return this.windows.get(windowsKey(key.schemeId, key.segmentId))?.isWhole(key);
  }

  loadTotals(versionId: number, totals: StatisticsTotals): void {
    this.totals.set(versionId, totals);
  }

  loadUnmatched(modelId: number, count: number): void {
    this.unmatched.set(modelId, count);
  }

  totalsOf(versionId: number): StatisticsTotals {
    let totals = this.totals.get(versionId);
    if (totals === undefined) this.totals.set(versionId, (totals = new StatisticsTotals()));
    return totals;
  }

  unmatchedOf(modelId: number): number {
    return this.unmatched.get(modelId) ?? 0;
  }

  /** Returns the number of predictions that the delta counts. */
  apply(delta: StoredDelta): number {
    if (this.applied.has(delta.id)) throw new Error(`statistics delta ${delta.id} applied twice`);
    if (delta.erased === true) return this.takeOut(delta);
    const rows = applyDelta(delta.payload, {
      predictions: (key, _rows, newestMs) => this.predictionSink(key, newestMs, delta.recount),
      performance: (group) => this.applyPerformance(group, delta.recount),
      unmatched: (modelId, count) => {
        this.unmatched.set(modelId, this.unmatchedOf(modelId) + count);
        this.dirtyModels.add(modelId);
      },
    });
    this.applied.add(delta.id);
    return rows;
  }

  private takeOut(delta: StoredDelta): number {
    const erased: { readonly from: BucketCounts; readonly counts: BucketCounts }[] = [];
    const rows = applyDelta(delta.payload, {
      predictions: (key) => {
        const bucket = this.bucketFor(key);
        if (bucket === null) return null;
        const counts = emptyBucket(0);
        erased.push({ from: bucket.open!, counts });
        const positiveClass = this.schemes.positiveClass(key.versionId, key.schemeId);
        return { ...counts, positiveClass, totals: null };
      },
      performance: (group) => this.applyPerformance(group, true),
      unmatched: () => undefined,
    });
    for (const { from, counts } of erased) takeOut(from, counts);
    this.applied.add(delta.id);
    return rows;
  }

  /** Features are valid until the next call. */
  window(
    target: ModelTarget,
    nowMs: number,
    windowMs: number,
    needs: NeededCounts = ALL_COUNTS,
    segmentId = WHOLE,
  ): ModelCounts {
    const columns = FIRST_FEATURE_COLUMN + target.features.length;
    return this.windowsOf(target.scheme.id, segmentId).window(nowMs, windowMs, columns, needs);
  }

  /** Predictions of all segments since the last boundary, see VersionWindows.stream. */
  stream(target: ModelTarget, nowMs: number, mostRows: number): ReturnType<VersionWindows['stream']> {
    const columns = FIRST_FEATURE_COLUMN + target.features.length;
    return this.windowsOf(target.scheme.id, WHOLE).stream(nowMs, mostRows, columns);
  }

  /** Versions touched since the last call. */
  takeTouched(): ReadonlySet<number> {
    const touched = new Set(this.touched);
    this.touched.clear();
    return touched;
  }

  /** Gathers everything in one go, without an await between, so that the work is one moment of memory. */
  beginFold(): FoldWork {
    const buckets: { key: GroupKey; bytes: Buffer }[] = [];
    for (const windows of this.windows.values())
      for (const bucket of windows.dirty())
        // Of a version that was deleted meanwhile nothing is stored again.
        if (this.schemes.current(bucket.versionId) !== undefined)
          buckets.push({ key: bucket, bytes: windows.encode(bucket) });
    const totals: { modelId: number; versionId: number; json: string }[] = [];
    for (const versionId of this.dirtyTotals) {
      const target = this.schemes.current(versionId);
      if (target !== undefined)
        totals.push({ modelId: target.modelId, versionId, json: this.totalsOf(versionId).toJson() });
    }
    for (const modelId of this.dirtyModels)
      totals.push({ modelId, versionId: 0, json: JSON.stringify({ unmatched: this.unmatchedOf(modelId) }) });
    this.dirtyTotals.clear();
    this.dirtyModels.clear();
    return { deltaIds: [...this.applied], buckets, totals };
  }

  /** After the fold was stored. */
  endFold(work: FoldWork): void {
    for (const id of work.deltaIds) this.applied.delete(id);
  }

  /** Closes and forgets buckets; minutes since the epoch. */
  async settle(nowMinute: number, oldestMinute: number): Promise<void> {
    const turns = new Turns();
    for (const [key, windows] of this.windows) {
      windows.settle(nowMinute, oldestMinute);
      if (windows.isEmpty) this.windows.delete(key);
      await turns.due();
    }
  }

  private predictionSink(key: GroupKey, newestMs: number, recount: boolean): PredictionSink | null {
    const bucket = this.bucketFor(key);
    if (bucket === null) return null;
    const { features, minutes } = bucket.open!;
    const positiveClass = this.schemes.positiveClass(key.versionId, key.schemeId);
    if (recount || key.segmentId !== WHOLE) return { features, minutes, positiveClass, totals: null };
    const totals = this.totalsOf(key.versionId);
    totals.sawPrediction(newestMs);
    this.dirtyTotals.add(key.versionId);
    return {
      features,
      minutes,
      positiveClass,
      totals: { cells: cellSink(totals, this.marksOf(key)), traffic: totals.traffic },
    };
  }

  private applyPerformance(group: PerformanceGroup, recount: boolean): void {
    const bucket = this.bucketFor(group);
    if (bucket === null) return;
    const open = bucket.open!;
    if (group.change === 'removed') (open.removed ??= new PerformanceCounts()).merge(group.counts, 1);
    else open.performance.merge(group.counts, 1);
    if (recount || group.change !== 'new' || group.segmentId !== WHOLE) return;
    this.totalsOf(group.versionId).addLabels(group.counts, group.newestLabelMs);
    this.dirtyTotals.add(group.versionId);
  }

  /** null: the version was deleted. */
  private bucketFor(key: GroupKey): Bucket | null {
    const target = this.schemes.current(key.versionId);
    if (target === undefined) return null;
    this.touched.add(key.versionId);
    return this.windowsOf(key.schemeId, key.segmentId).openForWriting(
      key,
      FIRST_FEATURE_COLUMN + target.features.length,
    );
  }

  /** Whether anything of a segment is in memory. */
  hasSegment(target: ModelTarget, segmentId: number): boolean {
    return this.windows.has(windowsKey(target.scheme.id, segmentId));
  }

  private windowsOf(schemeId: number, segmentId: number): VersionWindows {
    const key = windowsKey(schemeId, segmentId);
    let windows = this.windows.get(key);
    if (windows === undefined) this.windows.set(key, (windows = new VersionWindows()));
    return windows;
  }

  private marksOf({ versionId, schemeId }: GroupKey): CellMarks {
    const target = this.schemes.current(versionId)!;
    const known = this.marks.get(schemeId);
    if (known?.columns === target.features.length) return known.marks;
    const scheme = this.schemes.loadedScheme(schemeId);
    if (scheme === undefined) throw new Error(`bin scheme ${schemeId} is not loaded`);
    const settings = this.schemes.settingsOf(versionId);
    const { features = new Map(), exposition } = settings ?? {};
    const marks = new CellMarks(scheme, target.features, features, exposition?.bins ?? false);
    this.marks.set(schemeId, { columns: target.features.length, marks });
    return marks;
  }
}

/** Both are identities of the database, below 2^31 and 2^22. */
function windowsKey(schemeId: number, segmentId: number): number {
  return segmentId * 2 ** 31 + schemeId;
}
