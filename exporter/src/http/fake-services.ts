import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { StoredAlert } from '../domain/alert.ts';
import type { BaselineDescription } from '../domain/baseline.ts';
import type { FeatureDistribution } from '../domain/feature-distribution.ts';
import type { ModelDescription } from '../domain/model.ts';
import type { Job, RetrainingNeed } from '../domain/retraining.ts';
import { ServiceError } from '../domain/service-error.ts';
import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import type { Scope, TokenSettings } from '../domain/settings.ts';
import { createServer } from './server.ts';
import type { ServerOptions } from './server.ts';
import type { AlertServices, Services } from './services.ts';
import { weeklyReport } from './weekly-report.ts';

/** For the tests of http only: Services that accept everything and keep nothing, and servers over them. */

const MADE_AT_MS = Date.UTC(2026, 0, 2, 12);

export const CHURN: ModelDescription = {
  model: 'churn',
  task: 'binary',
  positiveClass: '1',
  classes: ['0', '1'],
  createdAtMs: MADE_AT_MS,
  versions: [
    { version: '1', createdAtMs: MADE_AT_MS, baseline: 'captured', features: [{ name: 'tenure', kind: 'numeric' }] },
  ],
  declared: { task: 'binary' },
};

export const CHURN_BASELINE: BaselineDescription = {
  id: 7,
  model: 'churn',
  version: '1',
  kind: 'reference',
  inheritedFrom: null,
  madeAtMs: MADE_AT_MS,
  active: true,
  rows: 5_000,
  labelledRows: 4_000,
  task: 'binary',
  features: [
    { feature: 'tenure', kind: 'numeric', values: 4_990, missing: 10, bins: 64, mean: 33.5, min: 0, max: 120 },
  ],
  ignoredColumns: ['note'],
};

const TENURE_DISTRIBUTION: FeatureDistribution = {
  model: 'churn',
  version: '1',
  feature: 'tenure',
  kind: 'numeric',
  windowMs: 86_400_000,
  windowEndMs: MADE_AT_MS,
  schemeId: 3,
  baselineKind: 'reference',
  baseline: { values: 4, missing: 1, typeErrors: 0, notFinite: 0 },
  current: { values: 0, missing: 2, typeErrors: 0, notFinite: 0 },
  cells: [
    { name: '12', lower: -Infinity, upper: 12, baseline: 1, current: 0 },
    { name: '+Inf', lower: 12, upper: Infinity, baseline: 3, current: 0 },
  ],
  bins: [],
};

export const JOB: Job = {
  id: '6f1c0f1e-0000-4000-8000-000000000001',
  model: 'churn',
  modelId: 1,
  state: 'awaiting_approval',
  trigger: 'manual',
  requestedBy: 'alice',
  reasons: [
    { code: 'manual', observed: null, threshold: null, windowSeconds: null, samples: null, note: 'a new season' },
  ],
  champion: { version: '1', degraded: false, baselineFigure: 0.9 },
  shadow: false,
  paused: false,
  cancelledBy: null,
  attempt: 1,
  facts: {},
  createdAtMs: MADE_AT_MS,
  finishedAtMs: NaN,
};

const NEED: RetrainingNeed = {
  model: 'churn',
  needed: false,
  reasons: [],
  suggestions: [],
  blockedBy: ['disabled'],
  cooldownEndMs: NaN,
  trainedAtMs: MADE_AT_MS,
  newDataPoints: 10,
};

export const FIRING: StoredAlert = {
  id: '42',
  fingerprint: 'a1b2c3d4',
  alertname: 'MLDataDrift',
  severity: 'medium',
  model: 'churn',
  version: '1',
  check: 'data_drift',
  status: 'firing',
  startsAtMs: MADE_AT_MS,
  endsAtMs: null,
  labels: { alertname: 'MLDataDrift', model: 'churn' },
  annotations: { summary: 'Features of churn version 1 drifted', description: 'Worst: tenure (KL 0.41).' },
  suppressed: null,
  receivedAtMs: MADE_AT_MS + 5_000,
  acknowledged: null,
  verdict: null,
};

export const fakeAlerts: AlertServices = {
  receive: () => Promise.resolve({ accepted: 1, news: 1, rejected: 0, truncated: 0, errors: [] }),
  list: () => Promise.resolve({ alerts: [FIRING], next: null }),
  get: (id) =>
    id === FIRING.id
      ? Promise.resolve(FIRING)
      : Promise.reject(new ServiceError('not_found', 'There is no such alert.')),
  acknowledge: () => Promise.resolve(),
  decide: () => Promise.resolve(),
  effectiveness: () => Promise.resolve({ rules: [], losses: 0, misses: [] }),
  backTest: () => Promise.resolve({ evaluations: 0, tooFewSamples: 0, fired: [] }),
  timeline: () => Promise.resolve([]),
  maintenance: {
    list: () => Promise.resolve([]),
    start: () => Promise.resolve('silence-1'),
    end: () => Promise.resolve(),
  },
};

export function fakeServices(overrides: Partial<Services> = {}): Services {
  return {
    limits: () => DEFAULT_SETTINGS.limits,
    predictions: ({ rows, errors }) =>
      Promise.resolve({ accepted: rows.length, duplicates: 0, rejected: errors.length, errors }),
    groundTruth: ({ rows, errors }) =>
      Promise.resolve({ joined: rows.length, waiting: 0, updated: 0, duplicates: 0, rejected: errors.length, errors }),
    foreignEvents: (_source, { halves, predictions, labels, errors }) =>
      Promise.resolve({
        accepted: halves.length + predictions.length + labels.length,
        duplicates: 0,
        rejected: errors.length,
        errors,
      }),
    businessMetrics: ({ rows, errors }) =>
      Promise.resolve({ accepted: rows.length, updated: 0, duplicates: 0, rejected: errors.length, errors }),
    senderRoles: { get: () => undefined, load: () => Promise.resolve(), learn: () => Promise.resolve() },
    reports: () => [],
    history: { health: () => Promise.resolve([]), predictions: () => Promise.resolve(new Map()) },
    weekly: (model, weekMs) =>
      Promise.resolve({
        report: weeklyReport({
          model,
          weekMs,
          madeAtMs: MADE_AT_MS,
          predictions: 0,
          versions: [],
          history: [],
          incidents: [],
          jobs: [],
        }),
        context: { business: [], previous: null, stored_weeks: [] },
      }),
    distribution: ({ model, version = '1', feature }) =>
      Promise.resolve({ ...TENURE_DISTRIBUTION, model, version, feature }),
    models: {
      list: () => Promise.resolve([CHURN]),
      get: (model) => Promise.resolve({ ...CHURN, model }),
      declare: (model, declared) => Promise.resolve({ ...CHURN, model, declared }),
      remove: () => Promise.resolve(),
      erase: (_model, id) => Promise.resolve(id === 'unknown' ? 0 : 2),
    },
    baselines: {
      upload: async (model, version, rows) => {
        let count = 0;
        for await (const _row of rows) count++;
        return { ...CHURN_BASELINE, model, version, rows: count };
      },
      capture: (model, version) => Promise.resolve({ ...CHURN_BASELINE, model, version, kind: 'captured' }),
      active: (model, version) => Promise.resolve({ ...CHURN_BASELINE, model, version }),
      history: (model, version) => Promise.resolve([{ ...CHURN_BASELINE, model, version }]),
    },
    retraining: {
      request: () => Promise.resolve({ jobId: JOB.id, created: true }),
      need: (model) => Promise.resolve({ ...NEED, model }),
      jobs: () => Promise.resolve([JOB]),
      job: (id) => Promise.resolve({ job: { ...JOB, id }, events: [] }),
      decide: () => Promise.resolve(),
      cancel: () => Promise.resolve(),
      pause: () => Promise.resolve(),
      registry: () => Promise.resolve([]),
      artefact: () => Promise.resolve(null),
      routing: () => Promise.resolve({ champion: '1', candidate: null }),
    },
    alerts: fakeAlerts,
    trainers: {
      callback: () => Promise.resolve({ status: 200, body: {} }),
      data: () => Promise.resolve(null),
      mayUpload: () => Promise.resolve(false),
      predictions: () => Promise.resolve(0),
    },
    exposition: () =>
      Promise.resolve({ contentType: 'text/plain; version=0.0.4', contentEncoding: null, body: Buffer.from('up 1\n') }),
    notReady: () => null,
    notLeader: () => null,
    audit: () => undefined,
    auditedBefore: () => Promise.resolve([]),
    reload: () => [],
    redactedConfig: () => 'auth: {}\n',
    ...overrides,
  };
}

export function fakeServer(
  overrides: Partial<Services> = {},
  options: Partial<ServerOptions> = {},
): Promise<FastifyInstance> {
  const nothing = (): void => undefined;
  return createServer(fakeServices(overrides), {
    telemetryPath: '/metrics',
    corsOrigin: null,
    tls: null,
    maxConnections: () => 1_000,
    tokens: () => [],
    users: new Map(),
    now: () => MADE_AT_MS + 3_600_000,
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    version: '1.2.3',
    ...options,
  });
}

/** A token whose bearer is `secret-<name>`. */
export function fakeToken(name: string, scopes: readonly Scope[], models: readonly string[] = ['*']): TokenSettings {
  const sha256 = createHash('sha256').update(`secret-${name}`).digest('hex');
  return { name, sha256, source: { environment: 'TOKEN' }, scopes, models };
}

export function bearer(name: string): { readonly authorization: string } {
  return { authorization: `Bearer secret-${name}` };
}
