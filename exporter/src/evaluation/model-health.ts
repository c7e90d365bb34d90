import type { ModelBaseline } from '../checks/check.ts';
import type { ModelReport, ModelTotals } from '../domain/model-report.ts';
import type { ModelSettings } from '../domain/settings.ts';
import type { BucketCounts } from '../histogram/bucket-codec.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import { MINUTE_MS } from '../histogram/time-bucket.ts';
import { Traffic } from '../histogram/traffic.ts';
import { evaluateModel } from './evaluate-model.ts';
import { modelTotals } from './model-totals.ts';
import type { StatisticsMemory } from './statistics-memory.ts';

/** A model version as the catalog knows it. */
export interface EvaluatedVersion {
  readonly target: ModelTarget;
  readonly baselineId: number | null;
  readonly model: {
    readonly classes: readonly string[];
    readonly errorReasons: readonly string[];
    readonly settings: ModelSettings;
  };
}

export interface ActiveBaseline {
  readonly kind: ModelBaseline['kind'];
  readonly madeAtMs: number;
  readonly counts: BucketCounts;
}

export interface HealthSources {
  versions(): readonly EvaluatedVersion[];
  baseline(id: number): Promise<ActiveBaseline>;
  /** Versions whose window is being counted again under a new scheme. */
  recounting(): Promise<ReadonlySet<number>>;
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
  private readonly baselines = new Map<number, ModelBaseline>();

  constructor(sources: HealthSources, memory: StatisticsMemory) {
    this.sources = sources;
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
    const baseline = id === null ? undefined : this.baselines.get(id);
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
    return { evaluated, gone: this.forgetGone(new Set(versions.map(({ target }) => target.versionId))) };
  }

  private async evaluateVersion({ target, baselineId, model }: EvaluatedVersion, nowMs: number): Promise<Evaluated> {
    const baseline = baselineId === null ? null : await this.baseline(baselineId);
    const report = evaluateModel({
      model: target.model,
      version: target.version,
      nowMs,
      context: {
        task: target.task,
        classes: model.classes,
        positiveClass: target.positiveClass,
        errorReasons: model.errorReasons,
        columns: target.features,
        scheme: target.scheme,
        baseline,
        settings: model.settings,
      },
      window: (windowMs) => this.memory.window(target, nowMs, windowMs),
    });
    const names = { classes: model.classes, errorReasons: model.errorReasons, features: target.features };
    const totals = modelTotals(this.memory.totalsOf(target.versionId), this.memory.unmatchedOf(target.modelId), names);
    const result = { versionId: target.versionId, report, totals };
    this.latest.set(target.versionId, result);
    return result;
  }

  private async baseline(id: number): Promise<ModelBaseline> {
    let baseline = this.baselines.get(id);
    if (baseline === undefined) {
      const { kind, madeAtMs, counts } = await this.sources.baseline(id);
      const traffic = new Traffic();
      for (const minute of counts.minutes.values()) traffic.add(minute);
      baseline = { kind, madeAtMs, features: counts.features, traffic, performance: counts.performance };
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
