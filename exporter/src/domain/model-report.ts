import type {
  BaselineKind,
  CheckOutcome,
  CheckOutcomes,
  HealthScore,
  PerformanceFigures,
  Recommendation,
  Severity,
} from './health.ts';
import type { CheckName, ModelSettings } from './settings.ts';
import type { KnownOrUnknownTask } from './task.ts';

/** Everything that one evaluation of one model version found. Reports are plain data: routes, store and exposition read them. */
export interface ModelReport {
  readonly model: string;
  /** '' for a model without versions. */
  readonly version: string;
  readonly task: KnownOrUnknownTask;
  readonly evaluatedAtMs: number;
  /** The bins that its figures were counted in; those of two schemes are not compared bin by bin. */
  readonly schemeId: number;
  readonly baseline: BaselineSummary;
  readonly health: HealthScore;
  readonly severity: Severity;
  readonly recommendation: Recommendation;
  readonly checks: CheckOutcomes;
  /** The checks over their further windows, by check and in the order of the settings. */
  readonly extraWindows: readonly ExtraWindow[];
  /** Of the configured segments with predictions in their windows, by key and in the order in which the values first came. */
  readonly segments: readonly SegmentReport[];
  /** Mean score of the predicted class over the prediction-drift window, 0..1; NaN without scores. */
  readonly confidenceAverage: number;
  /** Predictions in the largest window; picks the default version of a model. */
  readonly windowPredictions: number;
  readonly settings: ModelSettings;
}

/** What retraining asks of an evaluation: a replica that does not evaluate has it from the database. */
export interface JudgedReport extends Pick<
  ModelReport,
  'model' | 'version' | 'task' | 'windowPredictions' | 'settings'
> {
  readonly baseline: Pick<BaselineSummary, 'kind' | 'madeAtMs'>;
  readonly checks: Pick<CheckOutcomes, 'performance' | 'error_rate' | 'data_drift'>;
}

/** One check over one further window. */
export type ExtraWindow = {
  readonly [Name in keyof CheckOutcomes]: { readonly check: Name; readonly outcome: CheckOutcomes[Name] };
}[keyof CheckOutcomes];

/** The health of a part of the predictions, compared with the same part of the baseline. */
export interface SegmentReport {
  /** Key and value of the predictions' `segment`; `__other__` for values beyond the cap. */
  readonly segment: string;
  readonly value: string;
  readonly health: HealthScore;
  readonly severity: Severity;
  readonly checks: Readonly<Record<CheckName, Pick<CheckOutcome, 'state' | 'score' | 'samples' | 'reason'>>>;
  readonly windowPredictions: number;
}

export interface BaselineSummary {
  readonly kind: BaselineKind;
  /** When the active baseline was made; NaN without one. */
  readonly madeAtMs: number;
  readonly rows: number;
  readonly performance: PerformanceFigures | null;
  /** Why windows are compared with the plain baseline although a rolling or seasonal one is configured; null: none is. */
  readonly reason: string | null;
}

/** Counters of one model version since it was first seen: they only grow, and survive restarts because they come from committed statistics. */
export interface ModelTotals {
  readonly predictions: number;
  readonly errorsByReason: ReadonlyMap<string, number>;
  readonly predictedClasses: ReadonlyMap<string, number>;
  readonly latency: HistogramTotals;
  readonly labels: number;
  readonly labelsUnmatched: number;
  readonly labelDelay: HistogramTotals;
  /** Key: predicted class, then actual class. */
  readonly confusion: readonly { readonly predicted: string; readonly actual: string; readonly count: number }[];
  readonly features: readonly FeatureTotals[];
  /** Empty unless the model's settings expose bins. */
  readonly bins: readonly FeatureBins[];
  /** Event time of the newest prediction and of the newest label; NaN when there is none. */
  readonly lastPredictionMs: number;
  readonly lastLabelMs: number;
}

/** Cumulative counts at fixed upper bounds (seconds), as a classic Prometheus histogram wants them. */
export interface HistogramTotals {
  readonly upperBoundsSeconds: readonly number[];
  /** cumulative[i] = observations <= upperBoundsSeconds[i]; same length. */
  readonly cumulative: readonly number[];
  readonly count: number;
  readonly sumSeconds: number;
}

export interface FeatureTotals {
  readonly feature: string;
  readonly kind: 'numeric' | 'categorical';
  readonly values: number;
  readonly missing: number;
  readonly typeErrors: number;
  readonly outOfRange: number;
  readonly unseenCategories: number;
  readonly outliers: number;
}

/** The coarse cells of one feature: rows since its baseline is in force, and the baseline's own share of each. */
export interface FeatureBins {
  readonly feature: string;
  readonly bins: readonly {
    /** Upper bound, or category. */
    readonly bin: string;
    readonly count: number;
    /** 0..1 of the baseline's values; NaN when it has none. */
    readonly baselineRatio: number;
  }[];
}
