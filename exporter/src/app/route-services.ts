import { alertServices } from './alert-services.ts';
import type { AlertParts } from './alert-services.ts';
import type { RetrainingWork } from './retraining-work.ts';
import type { WeeklyWork } from './weekly-work.ts';
import { captureBaseline, uploadBaseline } from '../baseline/make-baseline.ts';
import type { BaselineDependencies } from '../baseline/make-baseline.ts';
import { parseDuration } from '../config/duration.ts';
import { redact } from '../config/redact.ts';
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { ServiceError } from '../domain/service-error.ts';
import type { Settings } from '../domain/settings.ts';
import type { Evaluator } from '../evaluation/evaluator.ts';
import type { ModelHealth } from '../evaluation/model-health.ts';
import { renderExposition } from '../exposition/render.ts';
import type { SelfMetrics } from '../exposition/self-metrics.ts';
import type { SeriesStore } from '../exposition/series-store.ts';
import type { Services } from '../http/services.ts';
import type { HalfJoiner } from '../intake/join-halves.ts';
import { writeIdKey } from '../intake/prediction-id.ts';
import { onBusinessMetrics, onForeignEvents, onGroundTruth, onPredictions } from '../pipeline.ts';
import type { IntakeDependencies } from '../pipeline.ts';
import type { AuditStore } from '../storage/audit-store.ts';
import type { BaselineStore } from '../storage/baseline-store.ts';
import type { BusinessMetricStore } from '../storage/business-metric-store.ts';
import type { ErasureStore } from '../storage/erasure-store.ts';
import type { HistoryStore } from '../storage/history-store.ts';
import type { ModelStore } from '../storage/model-store.ts';
import type { PredictionStore } from '../storage/prediction-store.ts';
import type { SenderRoleStore } from '../storage/sender-role-store.ts';

/** What the routes call is made of; a part of the composition root. */
export interface ServiceParts {
  readonly settings: () => Settings;
  readonly clock: Clock;
  readonly log: Log;
  readonly state: { readonly databaseUp: boolean; readonly evaluatedOnce: boolean };
  readonly self: SelfMetrics;
  readonly series: SeriesStore;
  /** Whether the models' series are this replica's to show. */
  readonly publishes: () => boolean;
  readonly reload: () => readonly string[];
  readonly predictions: PredictionStore;
  readonly models: ModelStore;
  readonly erasures: ErasureStore;
  readonly audit: AuditStore;
  readonly baselines: BaselineStore;
  readonly baselineDependencies: BaselineDependencies;
  readonly evaluator: Evaluator;
  readonly health: ModelHealth;
  readonly history: HistoryStore;
  readonly business: BusinessMetricStore;
  readonly weekly: WeeklyWork;
  readonly retraining: RetrainingWork;
  readonly alerts: AlertParts;
  readonly intake: IntakeDependencies;
  readonly joiner: HalfJoiner;
  readonly senderRoles: SenderRoleStore;
}

/** What a replica that does not evaluate shows of the models. */
const NO_SERIES = { render: () => [] };

function windowOf(text: string | undefined): number | undefined {
  const windowMs = text === undefined ? undefined : parseDuration(text);
  if (text !== undefined && windowMs === undefined)
    throw new ServiceError('invalid', 'window must be a duration such as 24h.', {
      fields: [{ pointer: '/window', detail: 'is not a duration' }],
    });
  return windowMs;
}

export function servicesOf(parts: ServiceParts): Services {
  const { settings, clock, log, state, self, series, publishes, evaluator, health, intake, joiner } = parts;
  const { predictions, models, erasures, audit, baselines, baselineDependencies, retraining } = parts;
  return {
    limits: () => settings().limits,
    predictions: (decoded) => onPredictions(decoded, intake),
    groundTruth: (decoded) => onGroundTruth(decoded, intake),
    businessMetrics: (decoded) => onBusinessMetrics(decoded, { ...intake, business: parts.business }),
    foreignEvents: (source, events) => onForeignEvents(source, events, joiner, intake),
    senderRoles: parts.senderRoles,
    reports: () =>
      [...health.reports.values()]
        .map(({ report }) => report)
        .sort((a, b) => (`${a.model}\0${a.version}` < `${b.model}\0${b.version}` ? -1 : 1)),
    history: parts.history,
    weekly: parts.weekly.report,
    distribution: async ({ window, ...request }) => {
      if (!evaluator.isLeader)
        throw new ServiceError('unavailable', 'Another replica evaluates, or the statistics are still being read.');
      return health.distribution({ ...request, windowMs: windowOf(window) }, clock.now());
    },
    models: {
      list: () => models.list(),
      get: (model) => models.get(model),
      declare: async (model, declaration) => {
        await models.declare(model, declaration);
        await baselines.applySettings(model);
        return models.get(model);
      },
      remove: (model) => models.remove(model),
      erase: (model, id) => {
        const key = Buffer.alloc(16);
        writeIdKey(id, key, 0);
        return erasures.erase(model, key.toString('hex'));
      },
    },
    baselines: {
      upload: (model, version, rows) => uploadBaseline(model, version, rows, baselineDependencies),
      capture: (model, version, fromMs, toMs) =>
        captureBaseline(model, version, { fromMs, toMs, limit: Infinity }, baselineDependencies),
      active: (model, version) => baselines.active(model, version),
      history: (model, version) => baselines.history(model, version),
    },
    retraining: retraining.services,
    alerts: alertServices(parts.alerts),
    trainers: retraining.trainers,
    exposition: (accept = '', acceptEncoding = '') => {
      self.ingestQueue(predictions.queueLength, predictions.queueCapacity);
      self.leaseHeld(publishes());
      return renderExposition({ self, store: publishes() ? series : NO_SERIES }, { accept, acceptEncoding });
    },
    notReady: () =>
      !state.databaseUp
        ? 'The database does not answer.'
        : state.evaluatedOnce
          ? null
          : 'The first evaluation has not ended yet.',
    notLeader: () => (publishes() ? null : 'Another exporter on this database evaluates; ask that one.'),
    audit: (entry) => {
      log.info({ audit: true, ...entry }, 'an admin request');
      audit
        .append({ atMs: Date.now(), ...entry })
        .catch((error: unknown) => log.warn({ err: error }, 'an audit entry could not be stored; the log has it'));
    },
    auditedBefore: (beforeMs) => audit.before(beforeMs),
    reload: parts.reload,
    redactedConfig: () => redact(settings()),
  };
}
