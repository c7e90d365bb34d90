import { readdirSync } from 'node:fs';
import path from 'node:path';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import type { Settings } from '../domain/settings.ts';
import { formatErrors, loadConfig, loadConfigFile, secretsFrom } from './load-config.ts';

const TESTDATA = path.join(__dirname, '../../testdata/config');
const READ_HASH = 'bb'.repeat(32);
const SECRETS = secretsFrom({ GRAFANA_TOKEN_SHA256: READ_HASH });

function load(name: string): Settings {
  const result = loadConfigFile(path.join(TESTDATA, name), SECRETS);
  if (!result.ok) throw new Error(formatErrors(result.errors, name).join('\n'));
  return result.settings;
}

function mistakes(text: string): readonly string[] {
  const result = loadConfig(text, 'config.yml', SECRETS);
  return result.ok ? [] : formatErrors(result.errors, 'config.yml');
}

describe('a valid configuration', () => {
  test.each(['valid-empty.yml', 'valid-comments-only.yml'])('%s is the default', (name) => {
    expect(load(name)).toEqual(DEFAULT_SETTINGS);
  });

  test('no file is the default', () => {
    expect(loadConfigFile(null, SECRETS)).toEqual({ ok: true, settings: DEFAULT_SETTINGS });
  });

  test('empty sections say nothing', () => {
    const settings = load('valid-empty-sections.yml');
    expect(settings.defaults).toEqual(DEFAULT_SETTINGS.defaults);
    expect([...settings.models]).toEqual([['move_probability', DEFAULT_SETTINGS.defaults]]);
  });

  test('valid-full.yml: every key of the file arrives', () => {
    const settings = load('valid-full.yml');
    const day = 86_400_000;
    expect(settings.evaluation).toEqual({ intervalMs: 30_000 });
    expect(settings.retention).toEqual({ rawMs: 30 * day, statisticsMs: 730 * day, rawBytes: 10 * 2 ** 30 });
    expect(settings.limits).toEqual({
      models: 100,
      features: 50,
      categories: 20,
      seriesPerModel: 1000,
      bodyBytes: 2 ** 20,
      decompressedBytes: 4 * 2 ** 20,
      rows: 5000,
      baselineBodyBytes: 512e6,
      inFlightBytes: 32 * 2 ** 20,
      requestsPerSecond: 50,
      connections: 2000,
      pendingHalves: 9000,
      pairWaitMs: 30_000,
    });
    expect(settings.alerts).toEqual({
      alertmanagerUrl: 'http://127.0.0.1:9093',
      webhookTokenFile: 'secrets/webhook-token',
    });
    expect(settings.defaults).toEqual({
      features: new Map(),
      windows: {
        performance: 7 * day,
        data_drift: 30 * day,
        prediction_drift: 2 * day,
        latency: 300_000,
        error_rate: 7_200_000,
        data_quality: 5_400_000,
      },
      extraWindows: {
        performance: [],
        data_drift: [day],
        prediction_drift: [],
        latency: [86_400_000, 3_600_000],
        error_rate: [],
        data_quality: [],
      },
      selfCalibrated: true,
      sequentialDrift: true,
      thresholds: {
        accuracyDrop: 0.1,
        driftScore: 0.5,
        latencySpike: 3,
        errorRate: 0.02,
        ksPValue: 0.01,
        minKsStatistic: 0.2,
        dataQuality: 0.1,
        calibrationGap: 0.04,
        errorBudget: 0.02,
        latencyBudget: 0.03,
      },
      minimumSamples: { report: 50, alert: 1000, labels: 300 },
      minimumLabelCoverage: 0.5,
      weights: {
        performance: 0.5,
        data_drift: 0.1,
        prediction_drift: 0.1,
        latency: 0.1,
        error_rate: 0.1,
        data_quality: 0.1,
      },
      baseline: { mode: 'seasonal', autoCapture: 5000 },
      rawSample: 0.5,
      exposition: { worstFeatures: 5, bins: true, seriesTtlMs: day / 4 },
      segments: [],
      retraining: {
        enabled: true,
        checkIntervalMs: day / 2,
        triggers: {
          performanceDrop: 0.04,
          driftDetected: false,
          daysSinceTraining: null,
          minNewDataPoints: 5000,
          errorRateThreshold: 0.2,
          calibrationGap: null,
        },
        onDrift: 'shadow',
        cooldownMs: 2 * day,
        approval: 'automatic',
        approverMustDiffer: true,
        allowedHosts: ['trainer.example', '10.0.0.5:8080'],
        allowPrivateAddresses: true,
        checkAtMinutes: 210,
        timeZone: 'Europe/Berlin',
        data: {
          windowMs: 30 * day,
          maxRows: 50_000,
          minRows: 500,
          testShare: 0.2,
          holdoutShare: 0.3,
          minLabelCoverage: 0.5,
        },
        hints: { seed: 7, cvFolds: 3, tuningBudget: 5 },
        trainer: {
          type: 'webhook',
          url: 'https://trainer.example/retrain',
          secretFile: 'secrets/trainer',
          callbackUrl: 'https://mlh.example',
          heartbeatMs: 5 * 60_000,
          deadlineMs: day / 4,
        },
        deployer: {
          type: 'kserve',
          url: 'https://10.0.0.5:8080',
          namespace: 'models',
          service: 'churn',
          tokenFile: 'secrets/trainer',
          caFile: null,
        },
        gate: {
          minRows: 300,
          tolerance: 0.01,
          minAccuracy: 0.7,
          minRocAuc: null,
          maxLogLoss: null,
          maxMeanAbsoluteError: null,
          predictionsWithinMs: 5 * 60_000,
        },
        rollout: {
          stages: [
            { percent: 0, minTimeMs: day / 4, minPredictions: 500, minLabels: 0 },
            { percent: 10, minTimeMs: day / 24, minPredictions: 50, minLabels: 5 },
            { percent: 100, minTimeMs: day / 24, minPredictions: 500, minLabels: 0 },
          ],
          soakMs: day / 2,
          stageTimeoutMs: 2 * day,
          approvalTimeoutMs: day,
          maxLatencyRatio: 2,
          maxErrorIncrease: 0.02,
          maxScoreDrift: 0.3,
        },
      },
    });
  });

  test('valid-full.yml: tokens have their hashes, the one of the webhook included', () => {
    expect(load('valid-full.yml').auth.tokens).toEqual([
      {
        name: 'ingest',
        // What `printf ingest-token-for-tests | sha256sum` prints.
        sha256: '4113ee74a686de13869e0570cb769d294dd19fc8a4e277eb92a0f76c5015fd41',
        source: { file: 'secrets/ingest.sha256' },
        scopes: ['ingest'],
        models: ['move_probability'],
      },
      {
        name: 'grafana',
        sha256: READ_HASH,
        source: { environment: 'GRAFANA_TOKEN_SHA256' },
        scopes: ['read'],
        models: ['*'],
      },
      {
        name: 'alerts.webhook_token_file',
        // What `printf webhook-token-for-tests | sha256sum` prints: without the line end of the file.
        sha256: '01c89b7157add62b8170a4363261cf8010b8b56e31b20c7310d82286795a1ab3',
        source: { file: 'secrets/webhook-token' },
        scopes: ['webhook'],
        models: ['*'],
      },
    ]);
  });

  test('valid-full.yml: a model is its own section over the defaults of the file', () => {
    const settings = load('valid-full.yml');
    const { defaults } = settings;
    expect(settings.models.get('property_value')).toEqual({ ...defaults, task: 'regression' });
    const features = new Map<string, unknown>([
      ['tenure_months', { type: 'numeric', min: 0, max: 1200, importance: 0.3 }],
      ['region', { type: 'categorical' }],
      ['odd name.with "signs"', { max: 0.5 }],
    ]);
    expect(settings.models.get('move_probability')).toEqual({
      ...defaults,
      task: 'binary',
      positiveClass: '1',
      features,
      windows: { ...defaults.windows, latency: 600_000 },
      thresholds: { ...defaults.thresholds, driftScore: 0.4 },
      minimumSamples: { ...defaults.minimumSamples, alert: 2000 },
      minimumLabelCoverage: 0.1,
      weights: { ...defaults.weights, performance: 0.4, data_drift: 0.2 },
      baseline: { mode: 'rolling', autoCapture: 5000 },
      rawSample: 0.05,
      exposition: { ...defaults.exposition, worstFeatures: Infinity },
      retraining: {
        ...defaults.retraining,
        trainer: { type: 'embedded', deadlineMs: 6 * 3_600_000 },
        approval: 'manual',
      },
      segments: ['channel'],
    });
    expect(settings.overrides.get('property_value')).toEqual({ task: 'regression' });
  });

  test('anchors, aliases and merge keys: own keys win over merged ones', () => {
    const { models } = load('valid-anchors.yml');
    const thresholds = (name: string) => models.get(name)?.thresholds;
    expect(thresholds('first')).toMatchObject({ driftScore: 0.2, accuracyDrop: 0.02 });
    expect(models.get('second')).toEqual(models.get('first'));
    expect(models.get('third')).toMatchObject({ task: 'binary', positiveClass: 'yes' });
    expect(thresholds('third')).toMatchObject({ driftScore: 0.1, accuracyDrop: 0.02 });
  });
});

const NUMBER_0_TO_1 = 'must be a number, above 0 and at most 1';
const DURATION = 'must be a duration such as 15s, 24h or 90d';
const INTERVAL = `${DURATION}, at least 100ms and at most 1h`;
const WINDOW = `${DURATION}, at least 1m, in whole minutes up to 2h, whole hours up to 7d, whole days beyond`;

/** File, place, path and message of its one mistake. */
const INVALID: readonly (readonly [file: string, error: string])[] = [
  ['invalid-alertmanager-url-password.yml', '1:29: alerts.alertmanager_url: must not hold a user or password'],
  ['invalid-alertmanager-url.yml', '1:29: alerts.alertmanager_url: must be an http or https URL'],
  [
    'invalid-baseline-auto-capture.yml',
    '1:27: baseline.auto_capture: must be a whole number, at least 1 and at most 10000000, is 0',
  ],
  [
    'invalid-baseline-mode.yml',
    '1:19: baseline.mode: must be one of auto, reference, captured, rolling, seasonal, is "references"; did you mean "reference"?',
  ],
  ['invalid-complex-key.yml', '2:5: models: must have text as its keys, has a list'],
  ['invalid-duplicate-key.yml', '3:3: evaluation.interval: is given twice'],
  ['invalid-exposition-bins.yml', '1:21: exposition.bins: must be true or false, is "yes"'],
  ['invalid-exposition-features.yml', '1:25: exposition.features: must be all or worst:N with N from 1, is "best"'],
  [
    'invalid-feature-categorical-range.yml',
    '4:15: models.move_probability.features.region: a categorical feature has no min or max',
  ],
  [
    'invalid-feature-importance.yml',
    '2:54: models.move_probability.features.age.importance: must be a number, at least 0, is -1',
  ],
  ['invalid-feature-range.yml', '4:12: models.move_probability.features.age: min (100) must be below max (0)'],
  [
    'invalid-feature-type.yml',
    '4:29: models.move_probability.features["net.income"].type: must be one of numeric, categorical, is "number"',
  ],
  ['invalid-interval-empty.yml', `2:12: evaluation.interval: ${INTERVAL}, is empty`],
  ['invalid-interval-number.yml', `1:25: evaluation.interval: ${INTERVAL}, is 15`],
  ['invalid-interval-too-long.yml', `1:25: evaluation.interval: ${INTERVAL}, is "2h"`],
  ['invalid-interval-unit.yml', `1:25: evaluation.interval: ${INTERVAL}, is "15 seconds"`],
  ['invalid-key-like-none.yml', '2:3: evaluation.parallelism: unknown key "parallelism"'],
  ['invalid-label-coverage.yml', '1:25: minimum_label_coverage: must be a number, at least 0 and at most 1, is 92'],
  ['invalid-latency-spike.yml', '1:30: thresholds.latency_spike: must be a number, above 1 and at most 1000000, is 1'],
  [
    'invalid-limits-categories.yml',
    '1:23: limits.categories: must be a whole number, at least 1 and at most 200, is 1000',
  ],
  ['invalid-limits-decompressed.yml', '1:25: limits.decompressed: must be at least limits.body (16MiB)'],
  ['invalid-limits-features.yml', '4:15: models.a.features: has 2 features, more than limits.features (1)'],
  ['invalid-limits-models.yml', '3:3: models: has 2 models, more than limits.models (1)'],
  ['invalid-merge.yml', '2:7: thresholds["<<"]: must be a mapping to merge, is 0.3'],
  [
    'invalid-model-name.yml',
    '2:3: models["two\\nlines"]: the name of a model must be 1 to 200 characters without control characters',
  ],
  [
    'invalid-model-samples-order.yml',
    '3:22: models.move_probability.minimum_samples: alert (500) must be at least report (600)',
  ],
  [
    'invalid-model-task.yml',
    '2:29: models.move_probability.task: must be one of binary, multiclass, regression, is "classification"',
  ],
  ['invalid-model-unknown-key.yml', '4:5: models.move_probability.retention: unknown key "retention"'],
  [
    'invalid-model-weights-sum.yml',
    '3:14: models.move_probability.weights: the weights of the six checks must sum to 1, they sum to 1.25',
  ],
  ['invalid-not-a-mapping.yml', '1:1: must be a mapping, is a list'],
  [
    'invalid-positive-class-task.yml',
    '2:46: models.price.positive_class: is for binary models only, the task is regression',
  ],
  [
    'invalid-positive-class.yml',
    '3:21: models.move_probability.positive_class: must be the name of a class, is a list',
  ],
  ['invalid-raw-sample.yml', '1:13: raw_sample: must be a number, at least 0 and at most 1, is 10'],
  [
    'invalid-raw-sample-captured.yml',
    '2:54: models.churn.raw_sample: must be above 0 with baseline.mode captured: there would be nothing to capture',
  ],
  [
    'invalid-raw-sample-retraining.yml',
    '3:13: raw_sample: must be above 0 with retraining.enabled: there would be nothing to learn from',
  ],
  ['invalid-retention-raw-bytes.yml', '1:25: retention.raw_bytes: must be a size such as 16MiB, at least 1MiB, is 80'],
  ['invalid-retraining-adapter.yml', '1:25: retraining.deployer: must be a mapping, is "webhook"'],
  ['invalid-retraining-key.yml', '1:15: retraining.cool_down: unknown key "cool_down"; did you mean "cooldown"?'],
  [
    'invalid-retraining-arguments.yml',
    '2:38: retraining.trainer.command: must be a list of a program and its arguments, is "python train.py"',
  ],
  ['invalid-retraining-check-at.yml', '1:25: retraining.check_at: must be a time of day such as "02:00", is "2 am"'],
  [
    'invalid-retraining-host.yml',
    '2:34: retraining.trainer.url: goes to trainer.example, which is not in retraining.allowed_hosts',
  ],
  ['invalid-retraining-incomplete.yml', '2:12: retraining.trainer: of type webhook needs a secret_file'],
  [
    'invalid-retraining-kind.yml',
    '1:32: retraining.trainer.type: must be one of none, embedded, command, webhook, is "webhooks"; did you mean "webhook"?',
  ],
  ['invalid-retraining-secret.yml', '2:29: retraining.trainer.secret: unknown key "secret"'],
  [
    'invalid-retraining-secret-file.yml',
    '3:77: retraining.deployer.secret_file: cannot read file secrets/none: there is no such file',
  ],
  [
    'invalid-retraining-shares.yml',
    '1:21: retraining.data: test_share and holdout_share leave less than a tenth to train on',
  ],
  ['invalid-retraining-stages.yml', '3:31: retraining.rollout.stages[1]: must be above the stage before it (50)'],
  [
    'invalid-retraining-time-zone.yml',
    '1:26: retraining.time_zone: must be the name of a time zone such as Europe/Berlin, is "Mars/Olympus"',
  ],
  ['invalid-retraining-type.yml', '1:25: retraining.deployer: needs a type: one of pull, webhook, kserve, mlflow'],
  ['invalid-retraining-trigger.yml', `3:23: retraining.triggers.performance_drop: ${NUMBER_0_TO_1}, is 5`],
  ['invalid-retraining-url-password.yml', '2:34: retraining.trainer.url: must not hold a user or password'],
  [
    'invalid-samples-fraction.yml',
    '1:28: minimum_samples.labels: must be a whole number, at least 1 and at most 1000000000, is 1.5',
  ],
  ['invalid-samples-order.yml', '2:3: minimum_samples: alert (500) must be at least report (1000)'],
  ['invalid-section-not-a-mapping.yml', '1:13: thresholds: must be a mapping, is 0.3'],
  ['invalid-segments-too-many.yml', '3:15: models.move_probability.segments: must have at most 5 items, has 6'],
  ['invalid-segments-twice.yml', '3:25: models.move_probability.segments[1]: "channel" is in the list twice'],
  [
    'invalid-size-unit.yml',
    '1:17: limits.body: must be a size such as 16MiB, at least 1KiB and at most 1GiB, is "16Mb"',
  ],
  [
    'invalid-syntax.yml',
    '3:1: is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  [
    'invalid-threshold-budget.yml',
    '2:17: thresholds.error_budget: must be a number, above 0 and at most 0.069, is 0.1',
  ],
  ['invalid-threshold-nan.yml', '1:28: thresholds.drift_score: must be a number, above 0 and at most 100, is NaN'],
  ['invalid-threshold-text.yml', '2:16: thresholds.drift_score: must be a number, above 0 and at most 100, is "0.3"'],
  ['invalid-threshold-too-high.yml', '2:15: thresholds.ks_p_value: must be a number, above 0 and below 1, is 1'],
  ['invalid-threshold-zero.yml', `1:27: thresholds.error_rate: ${NUMBER_0_TO_1}, is 0`],
  ['invalid-token-env-unset.yml', '3:35: auth.tokens[0].sha256_env: environment variable NOT_SET_ANYWHERE is not set'],
  [
    'invalid-token-file-content.yml',
    '3:36: auth.tokens[0].sha256_file: file secrets/not-a-hash.txt does not hold a SHA-256 in 64 hexadecimal digits',
  ],
  [
    'invalid-token-file-missing.yml',
    '4:20: auth.tokens[0].sha256_file: cannot read file secrets/nowhere.sha256: there is no such file',
  ],
  ['invalid-token-hashes-equal.yml', '4:7: auth.tokens[1]: is the same token as "one"'],
  ['invalid-token-inline-hash.yml', '3:23: auth.tokens[0].sha256: unknown key "sha256"'],
  ['invalid-token-name.yml', '3:15: auth.tokens[0].name: must be letters, digits, "_" and "-", at most 100, is "a b"'],
  ['invalid-token-names-equal.yml', '4:15: auth.tokens[1].name: "one" is the name of another token too'],
  [
    'invalid-token-scope.yml',
    '3:68: auth.tokens[0].scopes[0]: must be one of ingest, read, admin, webhook, is "ingestion"; did you mean "ingest"?',
  ],
  ['invalid-token-two-hashes.yml', '3:7: auth.tokens[0]: needs either sha256_file or sha256_env'],
  ['invalid-token-without-hash.yml', '3:7: auth.tokens[0]: needs either sha256_file or sha256_env'],
  ['invalid-token-without-name.yml', '3:7: auth.tokens[0]: needs a name'],
  [
    'invalid-token-without-scopes.yml',
    '3:7: auth.tokens[0]: needs scopes: one or more of ingest, read, admin, webhook',
  ],
  ['invalid-tokens-not-a-list.yml', '2:11: auth.tokens: must be a list, is a mapping'],
  ['invalid-two-documents.yml', '2:1: is not valid YAML: there must be only one document'],
  ['invalid-undefined-alias.yml', '1:13: alias "*usual" has no anchor before it'],
  ['invalid-unknown-key.yml', '3:3: thresholds.drif_score: unknown key "drif_score"; did you mean "drift_score"?'],
  ['invalid-unknown-section.yml', '1:1: treshold: unknown key "treshold"; did you mean "thresholds"?'],
  ['invalid-unknown-tag.yml', '1:25: is not valid YAML: Unresolved tag: !every'],
  [
    'invalid-webhook-token-missing.yml',
    '1:31: alerts.webhook_token_file: cannot read file secrets/nowhere: there is no such file',
  ],
  [
    'invalid-webhook-token-short.yml',
    '1:31: alerts.webhook_token_file: file secrets/short-token must hold a token of at least 16 characters',
  ],
  ['invalid-weight-negative.yml', '1:25: weights.performance: must be a number, at least 0 and at most 1, is -0.1'],
  ['invalid-weights-sum.yml', '2:3: weights: the weights of the six checks must sum to 1, they sum to 1.1'],
  [
    'invalid-extra-window-beyond-retention.yml',
    '2:20: extra_windows.data_drift[1]: must be at most retention.statistics (30d)',
  ],
  ['invalid-extra-window-number.yml', `1:28: extra_windows.latency[0]: ${WINDOW}, is 300`],
  ['invalid-extra-window-twice.yml', '1:32: extra_windows.latency[1]: 1h is a window of the check already'],
  ['invalid-window-beyond-retention.yml', '3:16: windows.performance: must be at most retention.statistics (30d)'],
  ['invalid-window-days.yml', `2:15: windows.data_drift: ${WINDOW}, is "200h"`],
  ['invalid-window-hours.yml', `2:15: windows.data_drift: ${WINDOW}, is "24h30m"`],
  ['invalid-window-minutes.yml', `1:21: windows.latency: ${WINDOW}, is "90s"`],
  ['invalid-window-too-short.yml', `1:24: windows.error_rate: ${WINDOW}, is "30s"`],
  [
    'invalid-window-unknown-check.yml',
    '1:12: windows.dataquality: unknown key "dataquality"; did you mean "data_quality"?',
  ],
];

describe('an invalid configuration', () => {
  test.each(INVALID)('%s', (file, error) => {
    const result = loadConfigFile(path.join(TESTDATA, file), SECRETS);
    expect(result.ok ? [] : formatErrors(result.errors, '')).toEqual([`:${error}`]);
  });

  test('every file has its row in the table', () => {
    const files = readdirSync(TESTDATA).filter((name) => name.startsWith('invalid-'));
    expect(INVALID.map(([file]) => file).toSorted()).toEqual(files.toSorted());
  });

  test('every valid file is valid', () => {
    for (const name of readdirSync(TESTDATA).filter((file) => file.startsWith('valid-')))
      expect(() => load(name)).not.toThrow();
  });

  test('all mistakes are told at once, in the order of the file', () => {
    const text = [
      'evaluation: { interval: 15 }',
      'thresholds: { drif_score: 0.3, error_rate: 2 }',
      'weights: { latency: 0.2 }',
      'models:',
      '  a:',
      '    features: { x: { min: 2, max: 1 } }',
      '    segments: channel',
      'colour: red',
    ].join('\n');
    expect(mistakes(text)).toEqual([
      `config.yml:1:25: evaluation.interval: ${INTERVAL}, is 15`,
      'config.yml:2:15: thresholds.drif_score: unknown key "drif_score"; did you mean "drift_score"?',
      `config.yml:2:44: thresholds.error_rate: ${NUMBER_0_TO_1}, is 2`,
      'config.yml:3:10: weights: the weights of the six checks must sum to 1, they sum to 1.1',
      'config.yml:6:20: models.a.features.x: min (2) must be below max (1)',
      'config.yml:7:15: models.a.segments: must be a list, is "channel"',
      'config.yml:8:1: colour: unknown key "colour"',
    ]);
  });

  test('a mistake of the defaults is not told again for each model', () => {
    expect(mistakes('weights: { latency: 0.2 }\nmodels: { a: {}, b: { task: binary } }')).toEqual([
      'config.yml:1:10: weights: the weights of the six checks must sum to 1, they sum to 1.1',
    ]);
  });

  test('a value that cannot be read does not break the rules it takes part in', () => {
    expect(mistakes('weights: { performance: much }')).toEqual([
      'config.yml:1:25: weights.performance: must be a number, at least 0 and at most 1, is "much"',
    ]);
  });

  test('too many models are told even when one of them has a mistake', () => {
    expect(mistakes('limits: { models: 1 }\nmodels: { a: {}, b: { task: x } }')).toEqual([
      'config.yml:2:9: models: has 2 models, more than limits.models (1)',
      'config.yml:2:29: models.b.task: must be one of binary, multiclass, regression, is "x"',
    ]);
  });

  test('ten thousand models with a mistake each have ten thousand messages', () => {
    const models = Array.from({ length: 10_000 }, (_, i) => `  m${i}: { minimum_samples: { report: 900 } }`);
    const found = mistakes(['models:', ...models].join('\n'));
    expect(found).toHaveLength(10_000);
    expect(found.at(-1)).toBe(
      'config.yml:10001:29: models.m9999.minimum_samples: alert (500) must be at least report (900)',
    );
  });

  test('rounding does not make good weights bad', () => {
    const weights =
      '{ performance: 0.1, data_drift: 0.2, prediction_drift: 0.3, latency: 0.1, error_rate: 0.2, data_quality: 0.1 }';
    expect(mistakes(`weights: ${weights}`)).toEqual([]);
  });

  test('no message repeats a secret', () => {
    for (const [, error] of INVALID) expect(error).not.toMatch(/hunter2|8d969eef/);
  });

  test('a file that is not there has no line', () => {
    const result = loadConfigFile(path.join(TESTDATA, 'no-such-file.yml'), SECRETS);
    expect(result).toEqual({
      ok: false,
      errors: [{ line: 0, column: 0, path: '', message: 'cannot be read: there is no such file' }],
    });
    expect(result.ok ? [] : formatErrors(result.errors, 'x.yml')).toEqual([
      'x.yml: cannot be read: there is no such file',
    ]);
  });
});

describe('hostile text', () => {
  const depths = [201, 10_000, 300_000];

  test.each([
    ['brackets', '['],
    ['braces', '{a: '],
    ['lists in a line', '- '],
    ['keys in a line', '? '],
  ])('deep %s are refused, not fatal', (_name, opening) => {
    for (const depth of depths)
      expect(mistakes(opening.repeat(depth))).toEqual(['config.yml:1:1: is nested too deeply']);
  });

  test('deep indentation is refused', () => {
    const text = Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n');
    expect(mistakes(text)).toEqual(['config.yml:1:1: is nested too deeply']);
  });

  test('long lines and comments that are far to the right are not deep', () => {
    const features = Array.from({ length: 400 }, (_, i) => `f${i}: { type: numeric }`).join(', ');
    expect(mistakes(`models: { a: { features: { ${features} } } }\n${' '.repeat(500)}# far`)).toEqual([]);
  });

  test('a billion laughs end early', () => {
    const features = `&f { ${Array.from({ length: 400 }, (_, i) => `f${i}: { min: 1 }`).join(', ')} }`;
    const models = Array.from({ length: 9000 }, (_, i) => `  m${i}: { features: *f }`);
    expect(mistakes([`models:`, `  m: { features: ${features} }`, ...models].join('\n'))).toEqual([
      'config.yml:1:1: stands for more than 2000000 values: its aliases repeat too much',
    ]);
  });

  test('an alias inside of its own anchor ends', () => {
    expect(mistakes('retraining: { gate: &a { again: *a } }')).toEqual([
      expect.stringContaining('unknown key "again"'),
    ]);
    expect(mistakes('models: { a: &a { <<: *a, task: binary } }')).toEqual([]);
  });

  test('very long text is refused', () => {
    expect(mistakes('#'.repeat(17 * 2 ** 20))).toEqual(['config.yml:1:1: is longer than 16777216 characters']);
  });

  const words = [
    'models',
    'weights',
    'auth',
    'tokens',
    'retraining',
    'gate',
    'a',
    '<<',
    '&x ',
    '*x',
    '!!set ',
    '? ',
    ': ',
    '- ',
    '\n',
    '  ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '"',
    '|',
    '---',
    '%YAML 1.3',
    '0.3',
    '15s',
    '.nan',
    '~',
    '__proto__',
    '\u0000',
    '\ufeff',
    '\ud800',
  ];

  test.each([
    ['any text', fc.string({ unit: 'binary', maxLength: 200 })],
    [
      'words of a configuration in any order',
      fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((parts) => parts.join('')),
    ],
    ['any JSON, which is YAML', fc.json()],
    ['any values under the keys of the schema', anySections().map((value) => JSON.stringify(value))],
  ])('never throws: %s', (_name, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        const result = loadConfig(text, 'config.yml', SECRETS);
        if (result.ok) return;
        expect(result.errors.length).toBeGreaterThan(0);
        for (const { line, column, message } of result.errors) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(column).toBeGreaterThanOrEqual(1);
          expect(message).not.toBe('');
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** Right keys, random values: gets behind the check for unknown keys. */
function anySections(): fc.Arbitrary<object> {
  const sections = [
    'evaluation',
    'windows',
    'extra_windows',
    'thresholds',
    'weights',
    'baseline',
    'limits',
    'auth',
    'alerts',
    'retraining',
    'models',
  ];
  const keys = [
    'interval',
    'latency',
    'drift_score',
    'mode',
    'body',
    'tokens',
    'alertmanager_url',
    'triggers',
    'gate',
    'features',
    'task',
  ];
  const leaf = fc.oneof(fc.jsonValue(), fc.constantFrom('15s', '1MiB', 0.5, 'binary', null));
  const section = fc.dictionary(
    fc.constantFrom(...keys),
    fc.oneof(leaf, fc.dictionary(fc.constantFrom(...keys), leaf)),
  );
  return fc.dictionary(fc.constantFrom(...sections), fc.oneof(leaf, section));
}
