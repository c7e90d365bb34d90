import { alertmanagerClient } from '../alerting/alertmanager.ts';
import type { AlertmanagerClient } from '../alerting/alertmanager.ts';
import { backTest, SIGNALS } from '../alerting/back-test.ts';
import { effectiveness } from '../alerting/effectiveness.ts';
import { judgeByLabels } from '../alerting/judge-by-labels.ts';
import { lossEpisodes } from '../alerting/losses.ts';
import { timelineOf } from '../alerting/timeline.ts';
import { SIGNIFICANT_P } from '../checks/gate.ts';
import type { AlertNotification, StoredAlert } from '../domain/alert.ts';
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import type { ToldJob } from '../domain/retraining.ts';
import { ServiceError } from '../domain/service-error.ts';
import type { Settings } from '../domain/settings.ts';
import type { SelfMetrics } from '../exposition/self-metrics.ts';
import type { AlertServices } from '../http/services.ts';
import { onAlertNotification } from '../pipeline.ts';
import type { AlertStore } from '../storage/alert-store.ts';
import type { BaselineStore } from '../storage/baseline-store.ts';
import type { Catalog } from '../storage/catalog.ts';
import type { EvaluationHistory } from '../storage/evaluation-history.ts';

/** What the routes call about alerts; a part of the composition root, apart only for its length. */
export interface AlertParts {
  readonly settings: () => Settings;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: AlertStore;
  readonly evaluations: EvaluationHistory;
  readonly catalog: Catalog;
  readonly baselines: BaselineStore;
  /** Retraining jobs of a model that were under way in [fromMs, toMs). */
  readonly jobs: (model: string, fromMs: number, toMs: number) => Promise<readonly ToldJob[]>;
  readonly self: SelfMetrics;
  /** An alert fires whose rule asks for retraining. */
  readonly retrain: (model: string, alertname: string) => Promise<void>;
}

/** Effectiveness and timelines read at most so many alerts. */
const MAX_ALERTS = 20_000;
const PAGE = 1_000;
/** An alert that Alertmanager has not listed for so long is over, even if nobody was told. */
const UNSEEN_MS = 5 * 60_000;

export function alertServices(parts: AlertParts): AlertServices {
  const { store, evaluations, catalog, baselines, clock } = parts;
  const alertmanager = () => {
    const client = clientOf(parts.settings());
    if (client === null)
      throw new ServiceError(
        'conflict',
        'alerts.alertmanager_url is not configured: maintenance windows are its silences.',
      );
    return client;
  };
  const recorded = {
    store,
    meter: { alertNotified: parts.self.alertNotified },
    onNews: async (news: readonly AlertNotification[]) => {
      for (const { labels, status } of news)
        if (status === 'firing' && labels.retrain === 'true' && labels.model !== undefined)
          await parts.retrain(labels.model, labels.alertname ?? '');
    },
    now: () => clock.now(),
    log: parts.log,
  };
  return {
    receive: (message) => onAlertNotification(message, recorded),
    list: (filter, limit, cursor) => store.list(filter, limit, cursor),
    get: (id) => store.get(id),
    acknowledge: async (id, by, note) => {
      const { alertname } = await store.get(id);
      const seconds = await store.acknowledge(id, by, note, clock.now());
      if (seconds !== null) parts.self.alertAcknowledged(alertname, seconds);
    },
    decide: async (id, verdict, by, note) => {
      const { alertname } = await store.get(id);
      await store.decide(id, { verdict, source: 'person', decidedBy: by, note, decidedAtMs: clock.now() });
      parts.self.alertJudged(alertname, verdict);
    },
    effectiveness: async (model, fromMs, toMs) => {
      const alerts = await allAlerts(store, model, fromMs, toMs);
      const losses = lossEpisodes(await evaluations.losses(model, fromMs, toMs));
      return effectiveness(alerts, losses, clock.now());
    },
    backTest: async ({ model, version, signal, threshold, fromMs, toMs }) => {
      const found = Object.hasOwn(SIGNALS, signal) ? SIGNALS[signal] : undefined;
      if (found === undefined)
        throw new ServiceError('invalid', `signal must be one of ${Object.keys(SIGNALS).join(', ')}.`, {
          fields: [{ pointer: '/signal', detail: 'is not known' }],
        });
      if (catalog.find(model, version) === undefined)
        throw new ServiceError(
          'not_found',
          `There is no version ${JSON.stringify(version)} of a model ${JSON.stringify(model)}.`,
        );
      const { thresholds, minimumSamples } = catalog.settingsOfModel(model);
      const limits = {
        ksPValue: thresholds.ksPValue,
        significantP: SIGNIFICANT_P,
        minimumSamples: found.check === 'performance' ? minimumSamples.labels : minimumSamples.alert,
      };
      const [history, losses] = await Promise.all([
        evaluations.check(found.check, model, version, fromMs, toMs),
        evaluations.losses(model, fromMs, toMs),
      ]);
      const episodes = lossEpisodes(losses).filter((loss) => loss.version === version);
      return backTest(found, history, threshold, limits, episodes);
    },
    timeline: async (model, fromMs, toMs) => {
      const versions = catalog.versionsOf(model).map(({ target }) => target.version);
      const client = clientOf(parts.settings());
      const [alerts, jobs, made, silences] = await Promise.all([
        allAlerts(store, model, fromMs, toMs),
        parts.jobs(model, fromMs, toMs),
        Promise.all(versions.map((version) => baselines.history(model, version))),
        // A timeline without maintenance is better than none.
        client === null ? [] : client.maintenance().catch(() => []),
      ]);
      return timelineOf({
        alerts,
        jobs,
        baselines: made.flat().filter(({ madeAtMs }) => madeAtMs >= fromMs && madeAtMs < toMs),
        maintenance: silences.filter(
          (window) => window.model === model && window.fromMs < toMs && window.toMs >= fromMs,
        ),
      });
    },
    maintenance: {
      list: () => alertmanager().maintenance(),
      start: (window) => alertmanager().startMaintenance(window),
      end: (id) => alertmanager().endMaintenance(id),
    },
  };
}

/** On the replica that evaluates, as often as it does: what Alertmanager knows and no webhook tells, where one is configured. */
export async function askAlertmanager({ settings, store, clock, log }: AlertParts): Promise<void> {
  const client = clientOf(settings());
  if (client === null) return;
  try {
    const known = await client.alerts();
    const askedMs = clock.now();
    if (known.length > 0) await store.record(known, askedMs);
    await store.endUnseen(askedMs, askedMs - UNSEEN_MS);
  } catch (error) {
    log.warn({ err: error }, 'Alertmanager could not be asked for its alerts; it will be asked again');
  }
}

/** When evaluations were stored, on the replica that evaluates: what labels say of alerts by now. */
export async function judgeAlerts({ store, evaluations, catalog, clock, self }: AlertParts): Promise<void> {
  await judgeByLabels(
    {
      store: {
        unjudged: (...query) => store.unjudged(...query),
        decide: async (alert, verdict) => {
          await store.decide(alert.id, verdict);
          self.alertJudged(alert.alertname, verdict.verdict);
        },
      },
      performance: (...query) => evaluations.performanceStates(...query),
      windowMs: (model) => catalog.settingsOfModel(model).windows.performance,
    },
    clock.now(),
  );
}

function clientOf({ alerts }: Settings): AlertmanagerClient | null {
  const url = alerts.alertmanagerUrl;
  return url === null
    ? null
    : alertmanagerClient(url.replace(/\/+$/, ''), (address, options) => fetch(address, options));
}

async function allAlerts(
  store: AlertStore,
  model: string | undefined,
  fromMs: number,
  toMs: number,
): Promise<readonly StoredAlert[]> {
  const all: StoredAlert[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ ...(model === undefined ? {} : { model }), fromMs, toMs }, PAGE, cursor);
    all.push(...page.alerts);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && all.length < MAX_ALERTS);
  return all;
}
