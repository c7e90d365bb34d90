import { CHECK_NAMES } from '../domain/settings.ts';
import type {
  AlertSettings,
  AuthSettings,
  BaselineSettings,
  CheckName,
  EvaluationSettings,
  ExpositionSettings,
  FeatureSettings,
  Limits,
  MinimumSamples,
  ModelSettings,
  Retention,
  Thresholds,
} from '../domain/settings.ts';
import { THRESHOLD_LIMITS } from '../domain/threshold-limits.ts';
import {
  boolean,
  duration,
  integer,
  key,
  list,
  mapping,
  nullable,
  number,
  object,
  oneOf,
  scalar,
  size,
  text,
} from './fields.ts';
import type { Field, Shape } from './fields.ts';
import { RETRAINING } from './retraining-schema.ts';
import { TOKEN, WEBHOOK_TOKEN_NAME } from './tokens.ts';
import { URL_WITHOUT_SECRET } from './url.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const THRESHOLDS: Field<Thresholds> = object<Thresholds>({
  accuracyDrop: key('accuracy_drop', number(THRESHOLD_LIMITS.accuracyDrop)),
  driftScore: key('drift_score', number(THRESHOLD_LIMITS.driftScore)),
  latencySpike: key('latency_spike', number(THRESHOLD_LIMITS.latencySpike)),
  errorRate: key('error_rate', number(THRESHOLD_LIMITS.errorRate)),
  ksPValue: key('ks_p_value', number(THRESHOLD_LIMITS.ksPValue)),
  minKsStatistic: key('min_ks_statistic', number(THRESHOLD_LIMITS.minKsStatistic)),
  dataQuality: key('data_quality', number(THRESHOLD_LIMITS.dataQuality)),
  calibrationGap: key('calibration_gap', number(THRESHOLD_LIMITS.calibrationGap)),
  errorBudget: key('error_budget', number(THRESHOLD_LIMITS.errorBudget)),
  latencyBudget: key('latency_budget', number(THRESHOLD_LIMITS.latencyBudget)),
});

const MINIMUM_SAMPLES: Field<MinimumSamples> = object<MinimumSamples>({
  report: key('report', integer({ min: 1, max: 1e9 })),
  alert: key('alert', integer({ min: 1, max: 1e9 })),
  labels: key('labels', integer({ min: 1, max: 1e9 })),
});

/** The bucket that a window of this length slides by. */
function windowBucketMs(windowMs: number): number {
  if (windowMs <= 2 * HOUR_MS) return MINUTE_MS;
  return windowMs <= 7 * DAY_MS ? HOUR_MS : DAY_MS;
}

const WINDOW = duration(
  { min: MINUTE_MS },
  {
    also: 'in whole minutes up to 2h, whole hours up to 7d, whole days beyond',
    test: (windowMs) => windowMs % windowBucketMs(windowMs) === 0,
  },
);

/** A value for each check. */
function perCheck<T>(field: Field<T>): Field<Readonly<Record<CheckName, T>>> {
  const shape = Object.fromEntries(CHECK_NAMES.map((check) => [check, key(check, field)]));
  return object<Record<CheckName, T>>(shape as Shape<Record<CheckName, T>>);
}

const WEIGHTS = perCheck(number({ min: 0, max: 1 }));
const WINDOWS = perCheck(WINDOW);
/** Each multiplies what is computed and exposed of its check. */
const EXTRA_WINDOWS = perCheck(list(WINDOW, { max: 4 }));

const BASELINE: Field<BaselineSettings> = object<BaselineSettings>({
  mode: key('mode', oneOf(['auto', 'reference', 'captured', 'rolling', 'seasonal'])),
  autoCapture: key('auto_capture', integer({ min: 1, max: 1e7 })),
});

const WORST_FEATURES = scalar<number>(
  'all or worst:N with N from 1',
  (value) => {
    if (value === 'all') return Infinity;
    const count = typeof value === 'string' ? /^worst:(\d{1,6})$/.exec(value)?.[1] : undefined;
    return count === undefined || Number(count) < 1 ? undefined : Number(count);
  },
  (count) => (count === Infinity ? 'all' : `worst:${count}`),
);

const EXPOSITION: Field<ExpositionSettings> = object<ExpositionSettings>({
  worstFeatures: key('features', WORST_FEATURES),
  bins: key('bins', boolean),
  seriesTtlMs: key('series_ttl', duration({ min: MINUTE_MS })),
});

const FEATURE: Field<FeatureSettings> = object<FeatureSettings>({
  type: key('type', oneOf(['numeric', 'categorical'])),
  min: key('min', number()),
  max: key('max', number()),
  importance: key('importance', number({ min: 0 })),
});

/** A class by its name in predictions: `1` and `"1"` are the same class. */
const POSITIVE_CLASS = scalar<string>('the name of a class', (value) => {
  const name = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
  return typeof name === 'string' && name !== '' ? name : undefined;
});

/** Segments multiply everything that is computed and exposed for a model, hence the cap. */
const MAX_SEGMENTS = 5;
const SEGMENTS = list(text('the name of a key of `segment`', /^\S.{0,99}$/), { max: MAX_SEGMENTS });

/** What may be said for all models, and again for one. */
export const COMMON: Shape<Omit<ModelSettings, 'task' | 'positiveClass' | 'features' | 'segments'>> = {
  windows: key('windows', WINDOWS),
  extraWindows: key('extra_windows', EXTRA_WINDOWS),
  thresholds: key('thresholds', THRESHOLDS),
  selfCalibrated: key('self_calibrated_thresholds', boolean),
  sequentialDrift: key('sequential_drift', boolean),
  minimumSamples: key('minimum_samples', MINIMUM_SAMPLES),
  minimumLabelCoverage: key('minimum_label_coverage', number({ min: 0, max: 1 })),
  weights: key('weights', WEIGHTS),
  baseline: key('baseline', BASELINE),
  rawSample: key('raw_sample', number({ min: 0, max: 1 })),
  exposition: key('exposition', EXPOSITION),
  retraining: key('retraining', RETRAINING),
};

const MODEL: Field<ModelSettings> = object<ModelSettings>({
  task: key('task', oneOf(['binary', 'multiclass', 'regression'])),
  positiveClass: key('positive_class', POSITIVE_CLASS),
  features: key('features', mapping('feature', FEATURE)),
  ...COMMON,
  segments: key('segments', SEGMENTS),
});

const EVALUATION: Field<EvaluationSettings> = object<EvaluationSettings>({
  intervalMs: key('interval', duration({ min: 100, max: HOUR_MS })),
});

const RETENTION: Field<Retention> = object<Retention>({
  rawMs: key('raw', duration({ min: DAY_MS })),
  statisticsMs: key('statistics', duration({ min: DAY_MS })),
  rawBytes: key('raw_bytes', size({ min: 2 ** 20 })),
});

const MAX_BODY_BYTES = 2 ** 30;
const LIMITS: Field<Limits> = object<Limits>({
  models: key('models', integer({ min: 1, max: 1e6 })),
  features: key('features', integer({ min: 1, max: 1e4 })),
  // A dictionary holds no more: codes of categories are bytes, and some are taken.
  categories: key('categories', integer({ min: 1, max: 200 })),
  seriesPerModel: key('series_per_model', integer({ min: 100, max: 1e7 })),
  bodyBytes: key('body', size({ min: 1024, max: MAX_BODY_BYTES })),
  decompressedBytes: key('decompressed', size({ min: 1024, max: MAX_BODY_BYTES })),
  rows: key('rows', integer({ min: 1, max: 1e7 })),
  baselineBodyBytes: key('baseline_body', size({ min: 1024 })),
  inFlightBytes: key('in_flight', size({ min: 2 ** 20 })),
  requestsPerSecond: key('requests_per_second', integer({ min: 1, max: 1e6 })),
  connections: key('connections', integer({ min: 10, max: 1e6 })),
  pendingHalves: key('pending_halves', integer({ min: 1000, max: 1e8 })),
  pairWaitMs: key('pair_wait', duration({ min: 1000 })),
});

const AUTH: Field<AuthSettings> = object<AuthSettings>({
  tokens: key('tokens', printedTokens(list(TOKEN, { max: 10_000 }))),
});

/** Leaves out the token that `alerts.webhook_token_file` stands for. */
function printedTokens(field: Field<AuthSettings['tokens']>): Field<AuthSettings['tokens']> {
  return { ...field, print: (tokens) => field.print(tokens.filter((token) => token.name !== WEBHOOK_TOKEN_NAME)) };
}

const ALERTS: Field<AlertSettings> = object<AlertSettings>({
  alertmanagerUrl: key('alertmanager_url', nullable(URL_WITHOUT_SECRET)),
  webhookTokenFile: key('webhook_token_file', nullable(text('the name of a file', /./))),
});

/** The sections of the file, under the names that the settings give them. */
export interface ConfigFile extends Omit<ModelSettings, 'task' | 'positiveClass' | 'features' | 'segments'> {
  readonly evaluation: EvaluationSettings;
  readonly retention: Retention;
  readonly limits: Limits;
  readonly auth: AuthSettings;
  readonly alerts: AlertSettings;
  readonly models: ReadonlyMap<string, ModelSettings>;
}

export const CONFIG_FILE: Field<ConfigFile> = object<ConfigFile>({
  evaluation: key('evaluation', EVALUATION),
  ...COMMON,
  retention: key('retention', RETENTION),
  limits: key('limits', LIMITS),
  auth: key('auth', AUTH),
  alerts: key('alerts', ALERTS),
  models: key('models', mapping('model', MODEL)),
});
