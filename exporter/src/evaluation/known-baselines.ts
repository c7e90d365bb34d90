import type { ModelBaseline, ModelContext, ModelCounts } from '../checks/check.ts';
import type { DesignEffects } from '../domain/baseline.ts';
import { CHECK_NAMES } from '../domain/settings.ts';
import type { Thresholds } from '../domain/settings.ts';
import type { BucketCounts } from '../histogram/bucket-codec.ts';
import { FeatureCounts } from '../histogram/counts.ts';
import { addRestingFeatures, restFeatures } from '../histogram/resting-features.ts';
import { Traffic } from '../histogram/traffic.ts';
import { calibratedThresholds } from './calibrate-thresholds.ts';
import { evaluateModel } from './evaluate-model.ts';
import type { EvaluationInput } from './evaluate-model.ts';

export interface ActiveBaseline {
  readonly kind: ModelBaseline['kind'];
  readonly madeAtMs: number;
  readonly counts: BucketCounts;
  readonly segments: ReadonlyMap<number, BucketCounts>;
  readonly designEffects: readonly DesignEffects[];
}

export interface KnownBaseline {
  /** By the number of samples that they were calibrated for, rounded; filled when asked for. */
  readonly thresholds: Map<string, Thresholds>;
  readonly whole: RestingBaseline;
  readonly segments: ReadonlyMap<number, ModelBaseline>;
  readonly designEffects: readonly DesignEffects[];
}

export interface BaselineSources {
  baseline(id: number): Promise<ActiveBaseline>;
  /** The baseline in equal parts, in the order of its rows; empty when it was not kept so. */
  chunks(id: number): Promise<readonly BucketCounts[]>;
}

/** Baselines that were read, and what was calibrated from them. A baseline never changes but for its labels. */
export class KnownBaselines {
  private readonly sources: BaselineSources;
  private readonly byId = new Map<number, KnownBaseline>();

  constructor(sources: BaselineSources) {
    this.sources = sources;
  }

  async get(id: number): Promise<KnownBaseline> {
    let baseline = this.byId.get(id);
    if (baseline === undefined) {
      const stored = await this.sources.baseline(id);
      const resting = (of: BucketCounts) => new RestingBaseline(stored, countsOf(of));
      const segments = [...stored.segments].map(([segmentId, of]) => [segmentId, resting(of)] as const);
      baseline = {
        whole: resting(stored.counts),
        segments: new Map(segments),
        designEffects: stored.designEffects,
        thresholds: new Map(),
      };
      this.byId.set(id, baseline);
    }
    return baseline;
  }

  /** undefined: not read yet. */
  known(id: number): KnownBaseline | undefined {
    return this.byId.get(id);
  }

  forget(id: number): void {
    this.byId.delete(id);
  }

  /** Those of the settings, or what the baseline's own spread makes of them for windows of the size that they have now. */
  async thresholdsFor(
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
    const { thresholds: known } = await this.get(baselineId);
    let found = known.get(key);
    if (found === undefined) {
      const chunks = (await this.sources.chunks(baselineId)).map(countsOf);
      found = calibratedThresholds(context, chunks, (check) => sizes[CHECK_NAMES.indexOf(check)]!);
      known.set(key, found);
    }
    return found;
  }
}

/**
 * A baseline as it is kept: its features packed, a quarter of what they take spread out, until somebody looks at them. What was looked at
 * is valid until the features of another one are.
 */
class RestingBaseline implements ModelBaseline {
  readonly kind: ModelBaseline['kind'];
  readonly madeAtMs: number;
  readonly rows: number;
  readonly traffic: Traffic;
  readonly performance: ModelCounts['performance'];
  private readonly packed: Buffer;

  constructor({ kind, madeAtMs }: ActiveBaseline, { features, traffic, performance }: ModelCounts) {
    this.kind = kind;
    this.madeAtMs = madeAtMs;
    this.rows = features.rows;
    this.traffic = traffic;
    this.performance = performance;
    this.packed = restFeatures(features);
  }

  get features(): FeatureCounts {
    if (spread.baseline === this) return spread.features;
    spread.features.clear();
    addRestingFeatures(this.packed, spread.features);
    spread.baseline = this;
    return spread.features;
  }
}

const spread: { baseline: RestingBaseline | null; readonly features: FeatureCounts } = {
  baseline: null,
  features: new FeatureCounts(0),
};

/** All its minutes together. */
function countsOf({ features, minutes, performance }: BucketCounts): ModelCounts {
  const traffic = new Traffic();
  for (const minute of minutes.values()) traffic.add(minute);
  return { features, traffic, performance };
}
