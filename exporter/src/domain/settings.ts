import { DEFAULT_RETRAINING } from './retraining-settings.ts';
import type { RetrainingSettings } from './retraining-settings.ts';

/** The checks in the order of reports. The names are fixed: configuration keys, metric labels and reports use them. */
export const CHECK_NAMES = [
  'performance',
  'data_drift',
  'prediction_drift',
  'latency',
  'error_rate',
  'data_quality',
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

export interface Thresholds {
  /** Baseline accuracy minus window accuracy, 0..1; for a regression the relative rise of the mean absolute error. */
  readonly accuracyDrop: number;
  /** KL divergence in nats. */
  readonly driftScore: number;
  /** Window average latency over the baseline's. */
  readonly latencySpike: number;
  /** Failed share of all predictions, 0..1. */
  readonly errorRate: number;
  readonly ksPValue: number;
  readonly minKsStatistic: number;
  /** Share of a feature's rows with an issue, above the baseline's own share, 0..1. */
  readonly dataQuality: number;
  /** Change of the calibration gap against the baseline's, 0..1. */
  readonly calibrationGap: number;
  /** Share of predictions that may fail, and that may take longer than a second, before a burn-rate alert; both far below 1/14.4. */
  readonly errorBudget: number;
  readonly latencyBudget: number;
}

/** Rows: fewer than `report` say nothing; fewer than `alert` (labelled: `labels`) warn at most. */
export interface MinimumSamples {
  readonly report: number;
  readonly alert: number;
  readonly labels: number;
}

export type BaselineMode = 'auto' | 'reference' | 'captured' | 'rolling' | 'seasonal';

export interface BaselineSettings {
  readonly mode: BaselineMode;
  /** Mode auto: the first so many predictions of a version become its baseline. */
  readonly autoCapture: number;
}

export interface ExpositionSettings {
  /** So many of the worst features get series of their own; Infinity: all. */
  readonly worstFeatures: number;
  /** Whether `ml_feature_bin_total` and its baseline are published. */
  readonly bins: boolean;
  /** A model version silent for so long loses its series. */
  readonly seriesTtlMs: number;
}

export interface FeatureSettings {
  readonly type?: 'numeric' | 'categorical';
  /** Valid range, inclusive; values outside are counted as out of range. */
  readonly min?: number;
  readonly max?: number;
  /** Weight of the feature in the eyes of its owner, 0 or more; shown, never part of a score. */
  readonly importance?: number;
}

/** Everything that may differ from model to model. */
export interface ModelSettings {
  readonly task?: 'binary' | 'multiclass' | 'regression';
  readonly positiveClass?: string;
  readonly features: ReadonlyMap<string, FeatureSettings>;
  readonly thresholds: Thresholds;
  /** Whether the baseline's own spread says what is unusual, in the place of `thresholds`. */
  readonly selfCalibrated: boolean;
  /** Whether data drift is watched for as predictions come, beside the window. */
  readonly sequentialDrift: boolean;
  readonly minimumSamples: MinimumSamples;
  /** Labelled share of the window below which performance has insufficient data, 0..1. */
  readonly minimumLabelCoverage: number;
  /** Sum to 1. */
  readonly weights: Readonly<Record<CheckName, number>>;
  /** Length of each check's window in milliseconds. */
  readonly windows: Readonly<Record<CheckName, number>>;
  /** Further windows of each check, in milliseconds: their figures are published, and count for neither state nor score. */
  readonly extraWindows: Readonly<Record<CheckName, readonly number[]>>;
  readonly baseline: BaselineSettings;
  /** Share of the predictions whose features are kept as raw rows, 0..1; statistics are of all. */
  readonly rawSample: number;
  readonly exposition: ExpositionSettings;
  /** Keys of `segment` that get a health of their own. */
  readonly segments: readonly string[];
  readonly retraining: RetrainingSettings;
}

export interface EvaluationSettings {
  readonly intervalMs: number;
}

export interface Retention {
  readonly rawMs: number;
  readonly statisticsMs: number;
  readonly rawBytes: number;
}

export interface Limits {
  readonly models: number;
  /** Per model version. */
  readonly features: number;
  /** Per categorical feature. */
  readonly categories: number;
  readonly seriesPerModel: number;
  readonly bodyBytes: number;
  readonly decompressedBytes: number;
  /** Per request. */
  readonly rows: number;
  readonly baselineBodyBytes: number;
  /** Of all bodies that are held at once, decompressed. */
  readonly inFlightBytes: number;
  /** Of each token; without tokens, of each address. */
  readonly requestsPerSecond: number;
  /** Open at once on each listen address, if there are file descriptors for so many. */
  readonly connections: number;
  /** Halves of request/response pairs that wait for the other. */
  readonly pendingHalves: number;
  /** How long they wait. */
  readonly pairWaitMs: number;
}

export const SCOPES = ['ingest', 'read', 'admin', 'webhook'] as const;
export type Scope = (typeof SCOPES)[number];

export interface TokenSettings {
  readonly name: string;
  /** SHA-256 of the bearer token, 64 lower-case hexadecimal digits. Never print it. */
  readonly sha256: string;
  /** Where the hash came from, for people. */
  readonly source: { readonly file: string } | { readonly environment: string };
  readonly scopes: readonly Scope[];
  /** Models that the token may touch; `*` is all of them. */
  readonly models: readonly string[];
}

export interface AuthSettings {
  readonly tokens: readonly TokenSettings[];
}

export interface AlertSettings {
  /** Base URL of an Alertmanager to poll for alerts that never reach a webhook; null: none. */
  readonly alertmanagerUrl: string | null;
  /** File of the bearer token that Alertmanager sends to the webhook; null: none. Its hash is one of `auth.tokens`. */
  readonly webhookTokenFile: string | null;
}

/** The configuration in force: complete, checked, and plain data. */
export interface Settings {
  readonly evaluation: EvaluationSettings;
  readonly retention: Retention;
  readonly limits: Limits;
  readonly auth: AuthSettings;
  readonly alerts: AlertSettings;
  /** What a model has unless it is said otherwise. */
  readonly defaults: ModelSettings;
  /** Only what the file says of each model; lay it over anything that is weaker than the file. */
  readonly overrides: ReadonlyMap<string, Overrides<ModelSettings>>;
  /** Each model of `overrides`, laid over `defaults`. */
  readonly models: ReadonlyMap<string, ModelSettings>;
}

/** Any part of T, to any depth. Lists are replaced whole, maps are merged by key. */
export type Overrides<T> =
  T extends ReadonlyMap<infer K, infer V>
    ? ReadonlyMap<K, Overrides<V>>
    : T extends readonly unknown[]
      ? T
      : T extends object
        ? { readonly [K in keyof T]?: Overrides<T[K]> }
        : T;

/**
 * `base` with `overrides` laid over it; neither is changed. Objects and maps merge to any depth, all else is replaced. An object whose
 * `type` is overridden by another one starts afresh: the fields of a numeric feature mean nothing to a categorical one.
 */
export function overlay<T>(base: T, overrides: Overrides<NoInfer<T>> | undefined): T {
  return overlayAny(base, overrides) as T;
}

function overlayAny(base: unknown, over: unknown): unknown {
  if (over === undefined) return base;
  if (base instanceof Map && over instanceof Map) {
    const merged = new Map<unknown, unknown>(base);
    for (const [key, value] of over) merged.set(key, overlayAny(merged.get(key), value));
    return merged;
  }
  if (!isPlain(base) || !isPlain(over)) return over;
  if (base.type !== undefined && over.type !== undefined && base.type !== over.type) return over;
  const merged = Object.entries(over).map(([key, value]): [string, unknown] => [key, overlayAny(base[key], value)]);
  return { ...base, ...Object.fromEntries(merged) };
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);
}

/** The settings of a model by configuration alone: its own section over the defaults. */
export function settingsFor(settings: Settings, model: string): ModelSettings {
  return settings.models.get(model) ?? settings.defaults;
}

export const NO_EXTRA_WINDOWS: ModelSettings['extraWindows'] = {
  performance: [],
  data_drift: [],
  prediction_drift: [],
  latency: [],
  error_rate: [],
  data_quality: [],
};

/** Checks of traffic alone, which is counted by the minute whatever else is; the others read features or labels. */
const TRAFFIC_CHECKS: readonly CheckName[] = ['latency', 'error_rate'];

/** Lengths of all windows of a model, or of those that read features and labels. */
export function windowsOf(
  { windows, extraWindows }: Pick<ModelSettings, 'windows' | 'extraWindows'>,
  which: 'all' | 'features' = 'all',
): number[] {
  const checks = CHECK_NAMES.filter((check) => which === 'all' || !TRAFFIC_CHECKS.includes(check));
  return checks.flatMap((check) => [windows[check], ...extraWindows[check]]);
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

const DEFAULT_MODEL_SETTINGS: ModelSettings = {
  features: new Map(),
  thresholds: {
    accuracyDrop: 0.05,
    driftScore: 0.3,
    latencySpike: 2,
    errorRate: 0.05,
    ksPValue: 0.05,
    minKsStatistic: 0.1,
    dataQuality: 0.05,
    calibrationGap: 0.05,
    errorBudget: 0.01,
    latencyBudget: 0.05,
  },
  selfCalibrated: false,
  sequentialDrift: false,
  minimumSamples: { report: 100, alert: 500, labels: 200 },
  minimumLabelCoverage: 0,
  weights: {
    performance: 0.3,
    data_drift: 0.25,
    prediction_drift: 0.2,
    latency: 0.1,
    error_rate: 0.1,
    data_quality: 0.05,
  },
  windows: {
    performance: DAY_MS,
    data_drift: DAY_MS,
    prediction_drift: DAY_MS,
    latency: HOUR_MS,
    error_rate: HOUR_MS,
    data_quality: DAY_MS,
  },
  extraWindows: NO_EXTRA_WINDOWS,
  baseline: { mode: 'auto', autoCapture: 1000 },
  rawSample: 1,
  exposition: { worstFeatures: Infinity, bins: false, seriesTtlMs: DAY_MS },
  segments: [],
  retraining: DEFAULT_RETRAINING,
};

/** What an empty configuration file means. */
export const DEFAULT_SETTINGS: Settings = {
  evaluation: { intervalMs: 15_000 },
  retention: { rawMs: 90 * DAY_MS, statisticsMs: 365 * DAY_MS, rawBytes: 80 * GIB },
  limits: {
    models: 10_000,
    features: 500,
    categories: 200,
    seriesPerModel: 10_000,
    bodyBytes: 16 * MIB,
    decompressedBytes: 64 * MIB,
    rows: 100_000,
    baselineBodyBytes: 4 * GIB,
    inFlightBytes: 128 * MIB,
    requestsPerSecond: 10_000,
    connections: 10_000,
    pendingHalves: 500_000,
    pairWaitMs: 2 * MINUTE_MS,
  },
  auth: { tokens: [] },
  alerts: { alertmanagerUrl: null, webhookTokenFile: null },
  defaults: DEFAULT_MODEL_SETTINGS,
  overrides: new Map(),
  models: new Map(),
};
