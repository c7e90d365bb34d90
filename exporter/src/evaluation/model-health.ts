import type { ModelContext, NeededCounts } from '../checks/check.ts';
import type { FeatureDistribution } from '../domain/feature-distribution.ts';
import type { ModelReport, ModelTotals, SegmentReport } from '../domain/model-report.ts';
import { ServiceError } from '../domain/service-error.ts';
import { CHECK_NAMES, NO_EXTRA_WINDOWS } from '../domain/settings.ts';
import type { ModelSettings } from '../domain/settings.ts';
import { FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import { WHOLE } from '../histogram/segments.ts';
import type { Segment } from '../histogram/segments.ts';
import { HOUR_MS, MINUTE_MS, slideMinutes } from '../histogram/time-bucket.ts';
import { largestValidStream } from '../statistics/sequential.ts';
import { evaluateModel } from './evaluate-model.ts';
import { significantFeatures } from './evaluation-record.ts';
import { LastingDrift } from './lasting-drift.ts';
import type { DriftMoment } from './lasting-drift.ts';
import { drawColumn, featureBins } from './feature-distribution.ts';
import { KnownBaselines } from './known-baselines.ts';
import type { BaselineSources, KnownBaseline } from './known-baselines.ts';
import { modelTotals } from './model-totals.ts';
import { MovingBaselines, sumPast } from './moving-baseline.ts';
import type { PastBuckets } from './moving-baseline.ts';
import { evaluateSegment } from './segment-health.ts';
import type { StatisticsMemory } from './statistics-memory.ts';
import { Turns } from './turns.ts';

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

export interface HealthSources extends BaselineSources {
  versions(): readonly EvaluatedVersion[];
  /** Versions whose window is being counted again under a new scheme. */
  recounting(): Promise<ReadonlySet<number>>;
  /** Counts are in memory for so long. */
  longestWindowMs(): number;
  /** For rolling and seasonal baselines. */
  readonly past: PastBuckets;
  /** Stored verdicts on the features of a version since a moment, in order of time. */
  drifts(version: ModelTarget, sinceMs: number): Promise<readonly DriftMoment[]>;
}

/** So far back is looked for the beginning of a drift: longer than it must last for any recommendation. */
const DRIFT_MEMORY_MS = 7 * 24 * HOUR_MS;

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

/** A version by the names that it was published under. */
export type ReportedVersion = Pick<ModelReport, 'model' | 'version'>;

/**
 * The latest report of every version. A version is evaluated when something arrived for it, and every minute, because its windows move
 * on. While its window is being counted again under a new scheme its last report stands.
 */
export class ModelHealth {
  private readonly sources: HealthSources;
  private readonly memory: StatisticsMemory;
  private readonly latest = new Map<number, Evaluated>();
  private readonly evaluatedAtMinute = new Map<number, number>();
  private readonly baselines: KnownBaselines;
  private readonly moving: MovingBaselines;
  private readonly lasting = new Map<number, LastingDrift>();

  constructor(sources: HealthSources, memory: StatisticsMemory) {
    this.sources = sources;
    this.baselines = new KnownBaselines(sources);
    this.moving = new MovingBaselines((...of) => this.sources.past(...of));
    this.memory = memory;
  }

  get reports(): ReadonlyMap<number, Evaluated> {
    return this.latest;
  }

  clear(): void {
    this.latest.clear();
    this.evaluatedAtMinute.clear();
    this.lasting.clear();
  }

  /** A captured baseline whose labels may still be coming. */
  awaitsLabels(id: number | null): boolean {
    const baseline = id === null ? undefined : this.baselines.known(id)?.whole;
    return baseline?.kind === 'captured' && baseline.performance.labelled < baseline.rows;
  }

  /** Its labels were counted again: the baseline must be read anew. */
  forgetBaseline(id: number): void {
    this.baselines.forget(id);
  }

  /** Returns what was evaluated now, and the versions that are gone. */
  async evaluate(
    nowMs: number,
    onVersionError: (versionId: number, error: unknown) => void,
  ): Promise<{ readonly evaluated: readonly Evaluated[]; readonly gone: readonly ReportedVersion[] }> {
    const { clearings } = this.memory;
    const touched = this.memory.takeTouched();
    const recounting = await this.sources.recounting();
    const minute = Math.floor(nowMs / MINUTE_MS);
    const evaluated: Evaluated[] = [];
    const versions = this.sources.versions();
    const turns = new Turns();
    for (const version of versions) {
      await turns.due();
      const { versionId } = version.target;
      if (!touched.has(versionId) && this.evaluatedAtMinute.get(versionId) === minute) continue;
      if (recounting.has(versionId) && this.latest.has(versionId)) continue;
      try {
        const result = await this.evaluateVersion(version, nowMs);
        // The lease was lost meanwhile: of what is in memory no more, nothing is to be said.
        if (this.memory.clearings !== clearings) break;
        this.latest.set(versionId, result);
        this.evaluatedAtMinute.set(versionId, minute);
        evaluated.push(result);
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
    const plain = baselineId === null ? null : (await this.baselines.get(baselineId)).whole;
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

  /**
   * The six checks over one stretch of the past, from the time buckets that are stored: whole hours, counted under the bins of the
   * present baseline. What was committed within the last minute may be missing.
   */
  async overPast(version: EvaluatedVersion, fromMs: number, toMs: number): Promise<ModelReport> {
    const { target, baselineId, model } = version;
    const windowMs = toMs - fromMs;
    const windows = Object.fromEntries(CHECK_NAMES.map((check) => [check, windowMs])) as ModelSettings['windows'];
    const settings = { ...model.settings, windows, extraWindows: NO_EXTRA_WINDOWS };
    const known = baselineId === null ? null : await this.baselines.get(baselineId);
    // Its own: those of the windows that slide are kept by the hour, whatever the windows are.
    const baselines =
      known === null ? null : await new MovingBaselines(this.sources.past).of(target, settings, toMs - MINUTE_MS);
    const counts = await sumPast(this.sources.past, target, WHOLE, [
      { from: fromMs / MINUTE_MS, to: toMs / MINUTE_MS },
    ]);
    const plain = { ...contextOf(version, known), settings };
    const significantDays = new Map<string, number>();
    const of = {
      model: target.model,
      version: target.version,
      nowMs: toMs,
      baselines,
      significantDays,
      window: () => counts,
    };
    const thresholds = await this.baselines.thresholdsFor(baselineId, plain, of);
    return evaluateModel({ ...of, context: { ...plain, settings: { ...settings, thresholds } } });
  }

  private async evaluateVersion(version: EvaluatedVersion, nowMs: number): Promise<Evaluated> {
    const { target, baselineId, model } = version;
    const known = baselineId === null ? null : await this.baselines.get(baselineId);
    const moving = (segmentId: number) => this.moving.of(target, model.settings, nowMs, segmentId);
    const baselines = known === null ? null : await moving(WHOLE);
    const plain = contextOf(version, known);
    const windowOf = (segmentId: number) => (windowMs: number, needs: NeededCounts) =>
      this.memory.window(target, nowMs, windowMs, needs, segmentId);
    const lasting = await this.lastingDrift(target, nowMs);
    const significantDays = lasting.days(nowMs);
    const of = {
      model: target.model,
      version: target.version,
      nowMs,
      baselines,
      significantDays,
      window: windowOf(WHOLE),
    };
    const thresholds = await this.baselines.thresholdsFor(baselineId, plain, of);
    const compared = baselines?.byWindow.get(model.settings.windows.data_drift) ?? known?.whole ?? null;
    const stream =
      model.settings.sequentialDrift && compared !== null
        ? { stream: this.memory.stream(target, nowMs, largestValidStream(compared.features.rows)) }
        : null;
    // As it is, nearly always: copies of thousands of models are as much work for the garbage collector as for their maker.
    const context =
      thresholds === model.settings.thresholds && stream === null
        ? plain
        : { ...plain, ...stream, settings: { ...model.settings, thresholds } };
    const whole = evaluateModel({ ...of, context });
    if (whole.checks.data_drift.state !== 'insufficient_data')
      lasting.see({ atMs: nowMs, significant: significantFeatures(whole) });
    const segments: SegmentReport[] = [];
    for (const [id, segment] of this.segmentsOf(target, model)) {
      // Calibrated for windows of all predictions, thresholds would be too narrow for those of a part.
      const own = { ...plain, baseline: known?.segments.get(id) ?? null };
      const ownBaselines = known === null ? null : await moving(id);
      const part = evaluateSegment(whole, { segment, context: own, baselines: ownBaselines, window: windowOf(id) });
      if (part !== null) segments.push(part);
    }
    const report = segments.length === 0 ? whole : { ...whole, segments };
    const names = { classes: model.classes, errorReasons: model.errorReasons, features: target.features };
    const counted = this.memory.totalsOf(target.versionId);
    const bins =
      model.settings.exposition.bins && compared !== null
        ? featureBins(target.scheme, target.features, counted, compared.features)
        : [];
    const totals = modelTotals(counted, this.memory.unmatchedOf(target.modelId), names, bins);
    return { versionId: target.versionId, report, totals };
  }

  private async lastingDrift(target: ModelTarget, nowMs: number): Promise<LastingDrift> {
    let lasting = this.lasting.get(target.versionId);
    if (lasting === undefined) {
      lasting = new LastingDrift(await this.sources.drifts(target, nowMs - DRIFT_MEMORY_MS));
      this.lasting.set(target.versionId, lasting);
    }
    return lasting;
  }

  /** Of the keys that are configured now. */
  private segmentsOf(target: ModelTarget, { segments, settings }: EvaluatedVersion['model']): [number, Segment][] {
    return [...segments].filter(
      ([id, { key }]) => settings.segments.includes(key) && this.memory.hasSegment(target, id),
    );
  }

  private forgetGone(alive: ReadonlySet<number>): ReportedVersion[] {
    const gone: ReportedVersion[] = [];
    for (const [versionId, { report }] of this.latest) {
      if (alive.has(versionId)) continue;
      gone.push(report);
      this.latest.delete(versionId);
      this.evaluatedAtMinute.delete(versionId);
      this.lasting.delete(versionId);
    }
    return gone;
  }
}

function contextOf({ target, model }: EvaluatedVersion, known: KnownBaseline | null): ModelContext {
  return {
    task: target.task,
    classes: model.classes,
    positiveClass: target.positiveClass,
    errorReasons: model.errorReasons,
    columns: target.features,
    scheme: target.scheme,
    baseline: known?.whole ?? null,
    designEffects: known?.designEffects ?? [],
    settings: model.settings,
  };
}
