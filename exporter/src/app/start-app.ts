import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { askAlertmanager, judgeAlerts } from './alert-services.ts';
import { baselineWork } from './baseline-work.ts';
import { captureBaseline } from '../baseline/make-baseline.ts';
import type { BaselineDependencies } from '../baseline/make-baseline.ts';
import type { Flags } from '../config/flags.ts';
import { formatErrors } from '../config/load-config.ts';
import type { ConfigHolder } from '../config/reload.ts';
import type { WebSettings } from '../config/web-config.ts';
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import type { Settings } from '../domain/settings.ts';
import { Evaluator } from '../evaluation/evaluator.ts';
import { ModelHealth } from '../evaluation/model-health.ts';
import { reachMs } from '../evaluation/moving-baseline.ts';
import { STORE_FAMILIES } from '../exposition/families.ts';
import { createSelfMetrics } from '../exposition/self-metrics.ts';
import type { SelfMetrics } from '../exposition/self-metrics.ts';
import { SeriesStore } from '../exposition/series-store.ts';
import { HOUR_MS } from '../histogram/time-bucket.ts';
import { createServer } from '../http/server.ts';
import { HalfJoiner } from '../intake/join-halves.ts';
import { connectionsWithin, descriptorLimit } from './descriptors.ts';
import { listenAll } from './listen.ts';
import { longestWindowMs, tickDependencies } from './periodic-work.ts';
import { onPredictions, onTick } from '../pipeline.ts';
import type { IntakeDependencies } from '../pipeline.ts';
import { AuditStore } from '../storage/audit-store.ts';
import { AlertStore } from '../storage/alert-store.ts';
import { BaselineStore } from '../storage/baseline-store.ts';
import { BusinessMetricStore } from '../storage/business-metric-store.ts';
import { Catalog } from '../storage/catalog.ts';
import { DayPartitions, PREDICTION_INDEXES } from '../storage/day-partitions.ts';
import { ErasureStore } from '../storage/erasure-store.ts';
import { EvaluationHistory } from '../storage/evaluation-history.ts';
import { EVALUATION_INDEXES, EvaluationStore } from '../storage/evaluation-store.ts';
import { GroundTruthStore } from '../storage/ground-truth-store.ts';
import { HistoryStore } from '../storage/history-store.ts';
import { LatestEvaluations } from '../storage/latest-evaluations.ts';
import { releaseLease, takeLease } from '../storage/leases.ts';
import { ModelStore } from '../storage/model-store.ts';
import { PendingEventStore } from '../storage/pending-event-store.ts';
import { ping } from '../storage/pool.ts';
import { PredictionStore } from '../storage/prediction-store.ts';
import { SenderRoleStore } from '../storage/sender-role-store.ts';
import { Silence } from '../storage/silence.ts';
import { EVALUATOR_LEASE, StatisticsStore } from '../storage/statistics-store.ts';
import { WeeklyReportStore } from '../storage/weekly-report-store.ts';
import { LEASE_RENEWAL_MS, LEASE_TTL_MS, openDatabase } from './open-database.ts';
import { retentionWork } from './retention-work.ts';
import { retrainingWork } from './retraining-work.ts';
import { servicesOf } from './route-services.ts';
import { startTicker, startWorker } from './ticker.ts';
import { weeklyWork } from './weekly-work.ts';

export interface AppOptions {
  readonly flags: Flags;
  readonly config: ConfigHolder<Settings>;
  readonly web: WebSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  /** The commit that it was built of; '' where nobody knows. */
  readonly revision: string;
  /** Folder of the installed package: migrations lie in it. */
  readonly packageFolder: string;
  /** PATH, to find a PostgreSQL of the system. */
  readonly searchPath: string | undefined;
}

export interface App {
  /** Where it listens, as URLs. */
  readonly addresses: readonly string[];
  readonly database: string;
  reload(): readonly string[];
  /** Stops accepting, finishes what was accepted, stores what is in memory, closes everything. Idempotent. */
  close(): Promise<void>;
}

const COMMITS_AT_ONCE = 3;
const QUEUE_CAPACITY_ROWS = 200_000;
/** Rows laid out in a temporary file take a few times the space of the body that they came in. */
const SPOOL_SHARE = 4;
/** How often pairs that were left are looked for, and requests whose response does not come. */
const PAIR_SWEEP_MS = 5_000;
/** A job may hold its worker for as long as it trains. */
const RETRAINING_WORKERS = 2;
const RETRAINING_STATUS_MS = 15_000;
const RETENTION_MS = 60_000;
const WEEKLY_REPORTS_MS = 60_000;

/** Builds everything in one straight line; what was opened last is closed first, also when the start fails halfway. */
export async function startApp(options: AppOptions): Promise<App> {
  const { flags, config, clock, log } = options;
  const settings = () => config.settings;
  const closers: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= closeAll(closers, log));
  try {
    const { database, pool, leasePool } = await openDatabase(options, closers);
    const silence = new Silence(pool, log);

    const catalog = new Catalog(pool, settings, clock);
    await catalog.load();
    const predictionDays = new DayPartitions(pool, 'predictions', PREDICTION_INDEXES);
    const evaluationDays = new DayPartitions(pool, 'evaluations', EVALUATION_INDEXES);
    await Promise.all([predictionDays.load(), evaluationDays.load()]);
    const predictions = new PredictionStore({
      pool,
      schemes: catalog,
      ensureDays: predictionDays.ensure,
      connections: COMMITS_AT_ONCE,
      capacityRows: QUEUE_CAPACITY_ROWS,
    });
    const groundTruth = new GroundTruthStore(pool, catalog);
    const baselines = new BaselineStore(pool, catalog, () => {
      const longestMs = longestWindowMs(settings(), catalog);
      return (versionId) => {
        const own = catalog.version(versionId)?.model.settings ?? settings().defaults;
        return clock.now() - Math.max(longestMs, reachMs(own, clock.now()) + HOUR_MS);
      };
    });
    const statistics = new StatisticsStore(pool);
    const models = new ModelStore(pool, catalog);

    const self = createSelfMetrics({ version: options.version, revision: options.revision }, [
      'prediction',
      'ground_truth',
    ]);
    self.configReloaded(true, config.status.lastSuccessMs);
    const series = new SeriesStore({ families: STORE_FAMILIES, seriesLimit: settings().limits.seriesPerModel });

    const holder = randomUUID();
    const evaluator = new Evaluator({
      source: statistics,
      schemes: catalog,
      takeLease: () => silence.during(() => takeLease(leasePool, EVALUATOR_LEASE, holder, LEASE_TTL_MS)),
      holder,
      leaseTtlMs: LEASE_TTL_MS,
      clock,
      longestWindowMs: () => longestWindowMs(settings(), catalog),
      log,
    });
    closers.push(() => releaseLease(leasePool, EVALUATOR_LEASE, holder));
    const latest = new LatestEvaluations(pool);
    const health = new ModelHealth(
      {
        versions: () => catalog.versions(),
        baseline: (id) => baselines.load(id),
        chunks: (id) => baselines.chunks(id),
        recounting: () => baselines.recounting(),
        longestWindowMs: () => longestWindowMs(settings(), catalog),
        past: (...of) => statistics.past(...of),
        drifts: (...of) => latest.drifts(...of),
      },
      evaluator.memory,
    );
    const baselineDependencies: BaselineDependencies = {
      find: (model, version) => catalog.find(model, version),
      findAny: (model) => catalog.versionsOf(model)[0]?.target,
      ensure: (wants) => catalog.ensure(wants),
      learntByOthers: (model, version) => catalog.learntByOthers(model, version),
      settingsOf: (model) => catalog.settingsOfModel(model),
      activate: (activation) => baselines.activate(activation),
      stored: (target, fromMs, toMs, limit, onBatch) => baselines.stored(target, fromMs, toMs, limit, onBatch),
      now: () => clock.now(),
      maxCategories: () => settings().limits.categories,
      maxFeatures: () => settings().limits.features,
      maxSpoolBytes: () => SPOOL_SHARE * settings().limits.baselineBodyBytes,
    };

    const alerts = {
      settings,
      clock,
      log,
      store: new AlertStore(pool),
      evaluations: new EvaluationHistory(pool),
      catalog,
      baselines,
      jobs: (...of: [model: string, fromMs: number, toMs: number]) => retraining.jobs.told(...of),
      self,
      retrain: (model: string, alertname: string) => retraining.alerted(model, alertname),
    };
    const state = { databaseUp: true, evaluatedOnce: false, resettled: true };
    const tick = tickDependencies({
      settings,
      clock,
      log,
      evaluator,
      health,
      catalog,
      baselines,
      makeBaselines: baselineWork({
        clock,
        log,
        versions: () => catalog.versions(),
        rowsOf: (versionId) => evaluator.memory.totalsOf(versionId).traffic.rows,
        rawRetentionMs: () => settings().retention.rawMs,
        load: (id) => baselines.load(id),
        activate: (activation) => baselines.activate(activation),
        capture: (model, version, range) => captureBaseline(model, version, range, baselineDependencies),
      }),
      groundTruth,
      evaluations: new EvaluationStore(pool, evaluationDays.ensure),
      predictions: predictionDays,
      judgeAlerts: () => judgeAlerts(alerts),
      series,
      self,
    });
    closers.push(() => evaluator.fold());
    const evaluation = startTicker(
      'evaluation',
      () => settings().evaluation.intervalMs,
      async () => {
        state.databaseUp = (await ping(pool)).ok;
        self.databaseUp(state.databaseUp);
        if (!state.databaseUp) return;
        if (!state.resettled) {
          // Targets are seen through the settings: made again, and the windows with them. Here, for no tick may see half of each.
          state.resettled = true;
          await catalog.load().catch((error: unknown) => {
            state.resettled = false;
            throw error;
          });
          evaluator.reread();
        }
        await onTick(tick);
        state.evaluatedOnce = true;
      },
      log,
    );
    closers.push(() => evaluation.stop());
    closers.push(
      startTicker(
        'retention',
        () => RETENTION_MS,
        retentionWork({
          settings,
          clock,
          log,
          isLeader: () => evaluator.isLeader,
          predictions: predictionDays,
          evaluations: evaluationDays,
          groundTruth,
          statistics,
          models,
        }),
        log,
      ).stop,
    );
    const lease = startTicker(
      'lease',
      () => LEASE_RENEWAL_MS,
      async () => {
        if (!(await evaluator.renew())) return;
        log.info({}, 'this exporter evaluates from now on');
        evaluation.hurry();
      },
      log,
    );
    closers.push(() => lease.stop());
    // An embedded database has no other exporter: while it is away the last state is still ours to show.
    const publishes = () => (database.origin === 'embedded' ? evaluator.shows : evaluator.showsAlone);

    const retraining = retrainingWork({
      pool,
      catalog,
      reports: () => [...health.reports.values()].map(({ report }) => report),
      latest,
      clock,
      log,
      packageFolder: options.packageFolder,
      dataPath: flags.dataPath,
      configFolder: flags.configFile === null ? '.' : path.dirname(flags.configFile),
      searchPath: options.searchPath,
    });
    for (let worker = 0; worker < RETRAINING_WORKERS; worker++)
      closers.push(startWorker('retraining', retraining.run, log));
    closers.push(
      startTicker(
        'retraining status',
        () => RETRAINING_STATUS_MS,
        async () => {
          if (!evaluator.isLeader) return;
          await retraining.check();
          await retraining.publish(series);
        },
        log,
      ).stop,
    );

    closers.push(
      startTicker(
        'alertmanager',
        () => settings().evaluation.intervalMs,
        () => (evaluator.isLeader ? askAlertmanager(alerts) : Promise.resolve()),
        log,
      ).stop,
    );

    const history = new HistoryStore(pool);
    const business = new BusinessMetricStore(pool);
    const weekly = weeklyWork({
      clock,
      log,
      catalog,
      health,
      history,
      alerts: alerts.store,
      jobs: retraining.jobs,
      reports: new WeeklyReportStore(pool),
      business,
    });
    closers.push(
      startTicker(
        'weekly reports',
        () => WEEKLY_REPORTS_MS,
        () => (evaluator.isLeader ? weekly.run() : Promise.resolve()),
        log,
      ).stop,
    );

    const reload = () => reloadConfig(config, self, flags, log);
    config.subscribe((next) => {
      series.seriesLimit = next.limits.seriesPerModel;
      state.resettled = false;
      evaluation.hurry();
    });
    const intake: IntakeDependencies = {
      clock,
      meter: self.ingest,
      catalog,
      predictions,
      groundTruth,
      limits: () => settings().limits,
      retentionMs: () => Math.min(settings().retention.rawMs, clock.now() - predictionDays.floorMs),
    };
    const joiner = new HalfJoiner({
      pending: new PendingEventStore(pool, () => settings().limits.pendingHalves),
      store: (decoded) => onPredictions(decoded, intake),
      dropped: (reason, count) => self.ingest.rejected('prediction', reason, count),
      clock,
      log,
      waitMs: () => settings().limits.pairWaitMs,
    });
    closers.push(() => joiner.settled());
    const pairs = startTicker(
      'pairs',
      () => PAIR_SWEEP_MS,
      () => (state.databaseUp ? joiner.sweep() : Promise.resolve()),
      log,
    );
    closers.push(() => pairs.stop());
    const senderRoles = new SenderRoleStore(pool);
    await senderRoles.load();
    const services = servicesOf({
      settings,
      clock,
      log,
      state,
      self,
      series,
      publishes,
      reload,
      predictions,
      models,
      erasures: new ErasureStore(pool, catalog),
      audit: new AuditStore(pool),
      baselines,
      baselineDependencies,
      evaluator,
      health,
      history,
      business,
      weekly,
      retraining,
      alerts,
      intake,
      joiner,
      senderRoles,
    });

    const descriptors = descriptorLimit();
    if (connectionsWithin(descriptors) < settings().limits.connections)
      log.warn({ descriptors }, 'limits.connections is more than the file descriptors (ulimit -n) allow');
    const addresses = await listenAll(
      flags,
      options.web,
      (tls) =>
        createServer(services, {
          telemetryPath: flags.telemetryPath,
          corsOrigin: flags.corsOrigin,
          tls,
          tokens: () => settings().auth.tokens,
          users: options.web.basicAuthUsers,
          maxConnections: () => Math.min(settings().limits.connections, connectionsWithin(descriptors)),
          now: () => clock.now(),
          log,
          version: options.version,
        }),
      closers,
    );
    return { addresses, database: database.description, reload, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function reloadConfig(config: ConfigHolder<Settings>, self: SelfMetrics, flags: Flags, log: Log): readonly string[] {
  const { ok, errors } = config.reload();
  self.configReloaded(ok, config.status.lastSuccessMs);
  const lines = formatErrors(errors, flags.configFile ?? 'configuration');
  if (ok) log.info({}, 'the configuration was reloaded');
  else log.warn({ errors: lines.length }, 'the configuration was not reloaded; the old one stays in force');
  return lines;
}

async function closeAll(closers: (() => Promise<unknown>)[], log: Log): Promise<void> {
  for (const close of closers.reverse()) {
    try {
      await close();
    } catch (error) {
      log.warn({ err: error }, 'something could not be closed in order');
    }
  }
}
