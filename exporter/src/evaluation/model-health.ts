import type { ModelBaseline, ModelContext, ModelCounts } from '../checks/check.ts';
import type { FeatureDistribution } from '../domain/feature-distribution.ts';
import type { ModelReport, ModelTotals, SegmentReport } from '../domain/model-report.ts';
import { ServiceError } from '../domain/service-error.ts';
import { CHECK_NAMES } from '../domain/settings.ts';
import type { ModelSettings, Thresholds } from '../domain/settings.ts';
import type { BucketCounts } from '../histogram/bucket-codec.ts';
import { FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import { WHOLE } from '../histogram/segments.ts';
import type { Segment } from '../histogram/segments.ts';
import { HOUR_MS, MINUTE_MS, slideMinutes } from '../histogram/time-bucket.ts';
import { Traffic } from '../histogram/traffic.ts';
import { calibratedThresholds } from './calibrate-thresholds.ts';
import { evaluateModel } from './evaluate-model.ts';
import type { EvaluationInput } from './evaluate-model.ts';
import { drawColumn, featureBins } from './feature-distribution.ts';
import { modelTotals } from './model-totals.ts';
import { MovingBaselines } from './moving-baseline.ts';
import type { PastBuckets } from './moving-baseline.ts';
import { evaluateSegment } from './segment-health.ts';
import type { StatisticsMemory } from './statistics-memory.ts';

/** A model version as the catalog knows it. */
export interface EvaluatedVersion {
  readonly target: ModelTarget;
  readonly baselineId: number | null;
  readonly model: {
    readonly classes: readonly string[];
    readonly errorReasons: readonly string[];
    readonly segments: ReadonlyMap<number, Segment>;
    readonly settings: ModelSettings;
  };
}

export interface ActiveBaseline {
  readonly kind: ModelBaseline['kind'];
  readonly madeAtMs: number;
  readonly counts: BucketCounts;
  readonly segments: ReadonlyMap<number, BucketCounts>;
}

interface KnownBaseline {
  /** By the number of samples that they were calibrated for, rounded; filled when asked for. */
  readonly thresholds: Map<string, Thresholds>;
  readonly whole: ModelBaseline;
  readonly segments: ReadonlyMap<number, ModelBaseline>;
}

export interface HealthSources {
  versions(): readonly EvaluatedVersion[];
  baseline(id: number): Promise<ActiveBaseline>;
  /** The baseline in equal parts, in the order of its rows; empty when it was not kept so. */
  chunks(id: number): Promise<readonly BucketCounts[]>;
  /** Versions whose window is being counted again under a new scheme. */
  recounting(): Promise<ReadonlySet<number>>;
  /** Counts are in memory for so long. */
  longestWindowMs(): number;
  /** For rolling and seasonal baselines. */
  readonly past: PastBuckets;
}

export interface DistributionRequest {
  readonly model: string;
  /** undefined: the version with most predictions in its windows. */
  readonly version: string | undefined;
  readonly feature: string;
  /** undefined: the window of the data_drift check. */
  readonly windowMs: number | undefined;
}

export interface Evaluated {
  readonly versionId: number;
  readonly report: ModelReport;
  readonly totals: ModelTotals;
}

/**
 * The latest report of every version. A version is evaluated when something arrived for it, and every minute, because its windows move
 * on. While its window is being counted again under a new scheme its last report stands.
 */
export class ModelHealth {
  private readonly sources: HealthSources;
  private readonly memory: StatisticsMemory;
  private readonly latest = new Map<number, Evaluated>();
  private readonly evaluatedAtMinute = new Map<number, number>();
  private readonly baselines = new Map<number, KnownBaseline>();
  private readonly moving: MovingBaselines;

  constructor(sources: HealthSources, memory: StatisticsMemory) {
    this.sources = sources;
    this.moving = new MovingBaselines((...of) => this.sources.past(...of));
    this.memory = memory;
  }

  get reports(): ReadonlyMap<number, Evaluated> {
    return this.latest;
  }

  clear(): void {
    this.latest.clear();
    this.evaluatedAtMinute.clear();
  }

  /** A captured baseline whose labels may still be coming. */
  awaitsLabels(id: number | null): boolean {
    const baseline = id === null ? undefined : this.baselines.get(id)?.whole;
    return baseline?.kind === 'captured' && baseline.performance.labelled < baseline.features.rows;
  }

  /** Its labels were counted again: the baseline must be read anew. */
  forgetBaseline(id: number): void {
    this.baselines.delete(id);
  }

  /** Returns what was evaluated now, and the versions that are gone. */
  async evaluate(
    nowMs: number,
    onVersionError: (versionId: number, error: unknown) => void,
  ): Promise<{ readonly evaluated: readonly Evaluated[]; readonly gone: readonly number[] }> {
    const touched = this.memory.takeTouched();
    const recounting = await this.sources.recounting();
    const minute = Math.floor(nowMs / MINUTE_MS);
    const evaluated: Evaluated[] = [];
    const versions = this.sources.versions();
    for (const version of versions) {
      const { versionId } = version.target;
      if (!touched.has(versionId) && this.evaluatedAtMinute.get(versionId) === minute) continue;
      if (recounting.has(versionId) && this.latest.has(versionId)) continue;
      try {
        evaluated.push(await this.evaluateVersion(version, nowMs));
        this.evaluatedAtMinute.set(versionId, minute);
      } catch (error) {
        onVersionError(versionId, error);
      }
    }
    this.moving.keep(new Set(versions.map(({ target }) => target.scheme.id)));
    return { evaluated, gone: this.forgetGone(new Set(versions.map(({ target }) => target.versionId))) };
  }

  /**
   * One feature's counts over any window that is in memory, beside the baseline's.
   *
   * @throws ServiceError not_found, or invalid for a window that cannot be summed
   */
  async distribution(request: DistributionRequest, nowMs: number): Promise<FeatureDistribution> {
    const { target, baselineId, model } = this.versionFor(request);
    const feature = target.featureByName.get(request.feature);
    if (feature === undefined)
      throw new ServiceError(
        'not_found',
        `Model ${JSON.stringify(request.model)} with version ${JSON.stringify(target.version)} has no feature ${JSON.stringify(request.feature)}.`,
      );
    const windowMs = request.windowMs ?? model.settings.windows.data_drift;
    this.requireWindow(windowMs, target);
    const plain = baselineId === null ? null : (await this.baseline(baselineId)).whole;
    const moving = plain === null ? undefined : await this.moving.of(target, model.settings, nowMs);
    const baseline = moving?.byWindow.get(windowMs) ?? plain;
    const { features } = this.memory.window(target, nowMs, windowMs);
    const bins = target.scheme.features[feature.column - FIRST_FEATURE_COLUMN];
    return {
      model: target.model,
      version: target.version,
      feature: feature.name,
      kind: feature.kind,
      windowMs,
      windowEndMs: nowMs,
      schemeId: target.scheme.id,
      baselineKind: baseline?.kind ?? 'none',
      ...drawColumn(bins, baseline?.features ?? null, features, feature.column),
    };
  }

  private versionFor({ model, version }: DistributionRequest): EvaluatedVersion {
    const versions = this.sources.versions().filter(({ target }) => target.model === model);
    const size = ({ target }: EvaluatedVersion) => this.latest.get(target.versionId)?.report.windowPredictions ?? -1;
    const found =
      version === undefined
        ? versions.toSorted((a, b) => size(b) - size(a))[0]
        : versions.find(({ target }) => target.version === version);
    if (found !== undefined) return found;
    const which = version === undefined ? '' : ` with version ${JSON.stringify(version)}`;
    throw new ServiceError('not_found', `There is no model ${JSON.stringify(model)}${which}.`);
  }

  private requireWindow(windowMs: number, { bucketMinutes }: ModelTarget): void {
    const slide = slideMinutes(windowMs);
    const longest = this.sources.longestWindowMs();
    const fault =
      windowMs > longest
        ? `is longer than the ${Math.floor(longest / HOUR_MS)} h of statistics that are in memory for the configured windows`
        : slide < bucketMinutes
          ? 'must be longer than 2h: the features of this model are counted by the hour'
          : windowMs < MINUTE_MS || windowMs % (slide * MINUTE_MS) !== 0
            ? 'must be in whole minutes up to 2h, whole hours up to 7d, whole days beyond'
            : null;
    if (fault !== null)
      throw new ServiceError('invalid', `window ${fault}.`, { fields: [{ pointer: '/window', detail: fault }] });
  }

  private async evaluateVersion({ target, baselineId, model }: EvaluatedVersion, nowMs: number): Promise<Evaluated> {
    const known = baselineId === null ? null : await this.baseline(baselineId);
    const moving = (segmentId: number) => this.moving.of(target, model.settings, nowMs, segmentId);
    const baselines = known === null ? null : await moving(WHOLE);
    const plain: ModelContext = {
      task: target.task,
      classes: model.classes,
      positiveClass: target.positiveClass,
      errorReasons: model.errorReasons,
      columns: target.features,
      scheme: target.scheme,
      baseline: known?.whole ?? null,
      settings: model.settings,
    };
    const windowOf = (segmentId: number) => (windowMs: number, withFeatures: boolean) =>
      this.memory.window(target, nowMs, windowMs, withFeatures, segmentId);
    const of = { model: target.model, version: target.version, nowMs, baselines, window: windowOf(WHOLE) };
    const thresholds = await this.thresholdsFor(baselineId, plain, of);
    const context = { ...plain, settings: { ...model.settings, thresholds } };
    const whole = evaluateModel({ ...of, context });
    const segments: SegmentReport[] = [];
    for (const [id, segment] of this.segmentsOf(target, model)) {
      // Calibrated for windows of all predictions, thresholds would be too narrow for those of a part.
      const own = { ...plain, baseline: known?.segments.get(id) ?? null };
      const ownBaselines = known === null ? null : await moving(id);
      const part = evaluateSegment(whole, { segment, context: own, baselines: ownBaselines, window: windowOf(id) });
      if (part !== null) segments.push(part);
    }
    const report = { ...whole, segments };
    const baseline = baselines?.byWindow.get(model.settings.windows.data_drift) ?? known?.whole ?? null;
    const names = { classes: model.classes, errorReasons: model.errorReasons, features: target.features };
    const counted = this.memory.totalsOf(target.versionId);
    const totals = {
      ...modelTotals(counted, this.memory.unmatchedOf(target.modelId), names),
      bins:
        model.settings.exposition.bins && baseline !== null
          ? featureBins(target.scheme, target.features, counted, baseline.features)
          : [],
    };
    const result = { versionId: target.versionId, report, totals };
    this.latest.set(target.versionId, result);
    return result;
  }

  /** Of the keys that are configured now. */
  private segmentsOf(target: ModelTarget, { segments, settings }: EvaluatedVersion['model']): [number, Segment][] {
    return [...segments].filter(
      ([id, { key }]) => settings.segments.includes(key) && this.memory.hasSegment(target, id),
    );
  }

  /** Those of the settings, or what the baseline's own spread makes of them for windows of the size that they have now. */
  private async thresholdsFor(
    baselineId: number | null,
    context: ModelContext,
    of: Omit<EvaluationInput, 'context'>,
  ): Promise<Thresholds> {
    const { selfCalibrated, thresholds } = context.settings;
    if (!selfCalibrated || baselineId === null) return thresholds;
    const { checks } = evaluateModel({ ...of, context });
    // Within a factor of two the spread is much the same: without rounding every prediction would ask for a new calibration.
    const sizes = CHECK_NAMES.map((check) => 2 ** Math.round(Math.log2(Math.max(1, checks[check].samples))));
    const key = JSON.stringify([thresholds, sizes]);
    const { thresholds: known } = await this.baseline(baselineId);
    let found = known.get(key);
    if (found === undefined) {
      const chunks = (await this.sources.chunks(baselineId)).map(countsOf);
      found = calibratedThresholds(context, chunks, (check) => sizes[CHECK_NAMES.indexOf(check)]!);
      known.set(key, found);
    }
    return found;
  }

  private async baseline(id: number): Promise<KnownBaseline> {
    let baseline = this.baselines.get(id);
    if (baseline === undefined) {
      const stored = await this.sources.baseline(id);
      const segments = [...stored.segments].map(([segmentId, of]) => [segmentId, baselineOf(stored, of)] as const);
      baseline = { whole: baselineOf(stored, stored.counts), segments: new Map(segments), thresholds: new Map() };
      this.baselines.set(id, baseline);
    }
    return baseline;
  }

  private forgetGone(alive: ReadonlySet<number>): number[] {
    const gone = [...this.latest.keys()].filter((versionId) => !alive.has(versionId));
    for (const versionId of gone) {
      this.latest.delete(versionId);
      this.evaluatedAtMinute.delete(versionId);
    }
    return gone;
  }
}

function baselineOf({ kind, madeAtMs }: ActiveBaseline, counts: BucketCounts): ModelBaseline {
  return { kind, madeAtMs, ...countsOf(counts) };
}

/** All its minutes together. */
function countsOf({ features, minutes, performance }: BucketCounts): ModelCounts {
  const traffic = new Traffic();
  for (const minute of minutes.values()) traffic.add(minute);
  return { features, traffic, performance };
}
