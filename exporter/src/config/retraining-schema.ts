import { HEARTBEAT_MS, STAGE_DEFAULTS, TRAINER_DEADLINE_MS } from '../domain/retraining-settings.ts';
import type {
  DeployerSettings,
  GateSettings,
  RetrainingSettings,
  RetrainingTriggers,
  RolloutSettings,
  StageSettings,
  TrainerSettings,
  TrainingDataSettings,
  TrainingHints,
} from '../domain/retraining-settings.ts';
import type { Overrides } from '../domain/settings.ts';
import { boolean, duration, integer, key, list, nullable, number, object, oneOf, scalar, text } from './fields.ts';
import type { Field } from './fields.ts';
import { readSecretFile } from './tokens.ts';
import { FAILED } from './yaml-source.ts';
import { URL_WITHOUT_SECRET } from './url.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const RATIO_OR_OFF = nullable(number({ above: 0, max: 1 }));
const SHARE = number({ above: 0, max: 0.9 });
const DEADLINE = duration({ min: 1000, max: 30 * DAY_MS });
const FILE = readableFile();

const TRIGGERS: Field<RetrainingTriggers> = object<RetrainingTriggers>({
  performanceDrop: key('performance_drop', RATIO_OR_OFF),
  driftDetected: key('drift_detected', boolean),
  daysSinceTraining: key('days_since_training', nullable(number({ above: 0, max: 3650 }))),
  minNewDataPoints: key('min_new_data_points', integer({ min: 0, max: 1e9 })),
  errorRateThreshold: key('error_rate_threshold', RATIO_OR_OFF),
  calibrationGap: key('calibration_gap', RATIO_OR_OFF),
});

const DATA: Field<TrainingDataSettings> = object<TrainingDataSettings>({
  windowMs: key('window', duration({ min: MINUTE_MS })),
  maxRows: key('max_rows', integer({ min: 100, max: 1e8 })),
  minRows: key('min_rows', integer({ min: 10, max: 1e8 })),
  testShare: key('test_share', SHARE),
  holdoutShare: key('holdout_share', SHARE),
  minLabelCoverage: key('min_label_coverage', number({ min: 0, max: 1 })),
});

const HINTS: Field<TrainingHints> = object<TrainingHints>({
  seed: key('seed', integer({ min: 0, max: 2 ** 31 })),
  cvFolds: key('cv_folds', integer({ min: 2, max: 20 })),
  tuningBudget: key('tuning_budget', integer({ min: 1, max: 1000 })),
});

/** One way of doing something: its keys, what they are when they are not given, and those that have to be. */
interface Kind<T> {
  readonly field: Field<T>;
  readonly defaults: Partial<T>;
  readonly required: readonly (readonly [property: keyof T, key: string])[];
}

/**
 * A mapping whose `type` says which keys it has. It is replaced whole by that of a model: it must be complete, and what is left out has
 * its default.
 */
function kinds<T extends { readonly type: string }>(all: {
  readonly [K in T['type']]: Kind<Extract<T, { readonly type: K }>>;
}): Field<T> {
  const byType = all as unknown as Readonly<Record<string, Kind<Record<string, unknown>> | undefined>>;
  const types = Object.keys(byType);
  return {
    keys: [...new Set(types.flatMap((type) => byType[type]!.field.keys))],
    read: (cursor) => {
      const entries = cursor.entries();
      if (entries === undefined) return cursor.fail(`must be a mapping, is ${cursor.describe()}`);
      const named = [...entries].find((entry) => entry.key === 'type');
      if (named === undefined) return cursor.fail(`needs a type: one of ${types.join(', ')}`);
      const type = oneOf(types).read(named.value);
      if (type === FAILED) return FAILED;
      const { field, defaults, required } = byType[type]!;
      const read = field.read(cursor);
      if (read === FAILED || cursor.source.hasIssueUnder(cursor.path)) return FAILED;
      const missing = required.find(
        ([property]) => (read as Readonly<Record<string, unknown>>)[property] === undefined,
      );
      if (missing !== undefined) return cursor.fail(`of type ${type} needs ${missing[1]}`);
      return { ...defaults, ...read } as Overrides<T>;
    },
    print: (value) => byType[(value as { readonly type: string }).type]!.field.print(value),
  };
}

type TrainerOf<K extends TrainerSettings['type']> = Extract<TrainerSettings, { readonly type: K }>;
type DeployerOf<K extends DeployerSettings['type']> = Extract<DeployerSettings, { readonly type: K }>;

const TRAINER: Field<TrainerSettings> = kinds<TrainerSettings>({
  none: { field: object<TrainerOf<'none'>>({ type: key('type', oneOf(['none'])) }), defaults: {}, required: [] },
  embedded: {
    field: object<TrainerOf<'embedded'>>({
      type: key('type', oneOf(['embedded'])),
      deadlineMs: key('deadline', DEADLINE),
    }),
    defaults: { deadlineMs: TRAINER_DEADLINE_MS },
    required: [],
  },
  command: {
    field: object<TrainerOf<'command'>>({
      type: key('type', oneOf(['command'])),
      command: key('command', argumentList()),
      deadlineMs: key('deadline', DEADLINE),
    }),
    defaults: { deadlineMs: TRAINER_DEADLINE_MS },
    required: [['command', 'a command']],
  },
  webhook: {
    field: object<TrainerOf<'webhook'>>({
      type: key('type', oneOf(['webhook'])),
      url: key('url', URL_WITHOUT_SECRET),
      secretFile: key('secret_file', FILE),
      callbackUrl: key('callback_url', URL_WITHOUT_SECRET),
      heartbeatMs: key('heartbeat', DEADLINE),
      deadlineMs: key('deadline', DEADLINE),
    }),
    defaults: { heartbeatMs: HEARTBEAT_MS, deadlineMs: TRAINER_DEADLINE_MS },
    required: [
      ['url', 'a url'],
      ['secretFile', 'a secret_file'],
      ['callbackUrl', 'a callback_url'],
    ],
  },
});

const DEPLOYER: Field<DeployerSettings> = kinds<DeployerSettings>({
  pull: { field: object<DeployerOf<'pull'>>({ type: key('type', oneOf(['pull'])) }), defaults: {}, required: [] },
  webhook: {
    field: object<DeployerOf<'webhook'>>({
      type: key('type', oneOf(['webhook'])),
      url: key('url', URL_WITHOUT_SECRET),
      secretFile: key('secret_file', FILE),
    }),
    defaults: {},
    required: [
      ['url', 'a url'],
      ['secretFile', 'a secret_file'],
    ],
  },
  kserve: {
    field: object<DeployerOf<'kserve'>>({
      type: key('type', oneOf(['kserve'])),
      url: key('url', URL_WITHOUT_SECRET),
      namespace: key('namespace', text('the name of a Kubernetes namespace', /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)),
      service: key('service', text('the name of an InferenceService', /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/)),
      tokenFile: key('token_file', FILE),
      caFile: key('ca_file', nullable(FILE)),
    }),
    defaults: { caFile: null },
    required: [
      ['url', 'a url'],
      ['namespace', 'a namespace'],
      ['service', 'a service'],
      ['tokenFile', 'a token_file'],
    ],
  },
  mlflow: {
    field: object<DeployerOf<'mlflow'>>({
      type: key('type', oneOf(['mlflow'])),
      url: key('url', URL_WITHOUT_SECRET),
      registeredModel: key('registered_model', text('the name of a registered model', /^[^/:]{1,250}$/)),
      tokenFile: key('token_file', nullable(FILE)),
    }),
    defaults: { tokenFile: null },
    required: [
      ['url', 'a url'],
      ['registeredModel', 'a registered_model'],
    ],
  },
});

const GATE: Field<GateSettings> = object<GateSettings>({
  minRows: key('min_rows', integer({ min: 2, max: 1e8 })),
  tolerance: key('tolerance', number({ min: 0, max: 1 })),
  minAccuracy: key('min_accuracy', RATIO_OR_OFF),
  minRocAuc: key('min_roc_auc', RATIO_OR_OFF),
  maxLogLoss: key('max_log_loss', nullable(number({ above: 0 }))),
  maxMeanAbsoluteError: key('max_mean_absolute_error', nullable(number({ above: 0 }))),
  predictionsWithinMs: key('predictions_within', DEADLINE),
});

const STAGE_TEXT = object<StageSettings>({
  percent: key('percent', number({ min: 0, max: 100 })),
  minTimeMs: key('min_time', duration({ max: 30 * DAY_MS })),
  minPredictions: key('min_predictions', integer({ min: 1, max: 1e9 })),
  minLabels: key('min_labels', integer({ min: 0, max: 1e9 })),
});

/** Items of a list are complete. */
const STAGE: Field<StageSettings> = {
  ...STAGE_TEXT,
  read: (cursor) => {
    const read = STAGE_TEXT.read(cursor);
    if (read === FAILED || cursor.source.hasIssueUnder(cursor.path)) return FAILED;
    if (read.percent === undefined) return cursor.fail('needs a percent');
    return { ...STAGE_DEFAULTS, ...read };
  },
};

const ROLLOUT: Field<RolloutSettings> = object<RolloutSettings>({
  stages: key('stages', list(STAGE, { max: 20 })),
  soakMs: key('soak', duration({ max: 90 * DAY_MS })),
  stageTimeoutMs: key('stage_timeout', DEADLINE),
  approvalTimeoutMs: key('approval_timeout', duration({ min: 1000, max: 365 * DAY_MS })),
  maxLatencyRatio: key('max_latency_ratio', number({ above: 1, max: 1000 })),
  maxErrorIncrease: key('max_error_increase', number({ min: 0, max: 1 })),
  maxScoreDrift: key('max_score_drift', number({ above: 0, max: 1 })),
});

/** `02:00`, in minutes after midnight. */
const TIME_OF_DAY = scalar<number>(
  'a time of day such as "02:00"',
  (value) => {
    const [, hours, minutes] = (typeof value === 'string' && /^([01]\d|2[0-3]):([0-5]\d)$/.exec(value)) || [];
    return hours === undefined ? undefined : Number(hours) * 60 + Number(minutes);
  },
  (minutes) => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`,
);

const TIME_ZONE = scalar<string>('the name of a time zone such as Europe/Berlin', (value) => {
  if (typeof value !== 'string') return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone === '' ? undefined : value;
  } catch {
    return undefined;
  }
});

/** The name of a file that can be read now: a secret that is missing is an error of the configuration, not of the night it is needed in. */
function readableFile(): Field<string> {
  const name = text('the name of a file', /./);
  return {
    ...name,
    read: (cursor) => {
      const file = name.read(cursor);
      return file === FAILED || readSecretFile(cursor, file) === FAILED ? FAILED : file;
    },
  };
}

/** Arguments may repeat, as those of a command do. */
function argumentList(): Field<readonly string[]> {
  const argument = text('text', /^[^\0]+$/);
  return {
    keys: [],
    read: (cursor) => {
      const items = cursor.items();
      if (items === undefined || items.length === 0)
        return cursor.fail(`must be a list of a program and its arguments, is ${cursor.describe()}`);
      const read = items.map((item) => argument.read(item));
      return read.includes(FAILED) ? FAILED : (read as Overrides<readonly string[]>);
    },
    print: (value) => value,
  };
}

export const RETRAINING: Field<RetrainingSettings> = object<RetrainingSettings>({
  enabled: key('enabled', boolean),
  checkIntervalMs: key('check_interval', duration({ min: 1000, max: 30 * DAY_MS })),
  checkAtMinutes: key('check_at', TIME_OF_DAY),
  timeZone: key('time_zone', TIME_ZONE),
  triggers: key('triggers', TRIGGERS),
  onDrift: key('on_drift', oneOf(['suggest', 'shadow'])),
  cooldownMs: key('cooldown', duration({ max: 30 * DAY_MS })),
  approval: key('approval', oneOf(['automatic', 'manual'])),
  approverMustDiffer: key('approver_must_differ', boolean),
  allowedHosts: key(
    'allowed_hosts',
    list(text('the name of a host, with or without a port', /^[A-Za-z0-9.:[\]_-]+$/), { max: 1000 }),
  ),
  allowPrivateAddresses: key('allow_private_addresses', boolean),
  data: key('data', DATA),
  hints: key('hints', HINTS),
  trainer: key('trainer', TRAINER),
  deployer: key('deployer', DEPLOYER),
  gate: key('gate', GATE),
  rollout: key('rollout', ROLLOUT),
});
