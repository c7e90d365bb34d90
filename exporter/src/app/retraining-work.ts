import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import type { JudgedReport, ModelReport } from '../domain/model-report.ts';
import type { Routing } from '../domain/retraining.ts';
import { ServiceError } from '../domain/service-error.ts';
import { readEvaluationRecord } from '../evaluation/evaluation-record.ts';
import { publishRetraining } from '../exposition/publish-retraining.ts';
import type { SeriesStore } from '../exposition/series-store.ts';
import type { RetrainingServices, TrainerServices } from '../http/services.ts';
import { advanceOne } from '../retraining/advance.ts';
import { createOutbound, SYSTEM_OUTBOUND } from '../retraining/outbound/outbound.ts';
import { readEnd } from '../retraining/receive-callback.ts';
import { trainerSide } from '../retraining/trainer-side.ts';
import { commandTrainer } from '../retraining/trainers/command.ts';
import { jobUrl, partUrl, webhookTrainer } from '../retraining/trainers/webhook.ts';
import { readSecrets } from '../retraining/webhook-signature.ts';
import type { Deployer } from '../retraining/deployers/deployer.ts';
import { kserveDeployer } from '../retraining/deployers/kserve.ts';
import { mlflowDeployer } from '../retraining/deployers/mlflow.ts';
import { webhookDeployer } from '../retraining/deployers/webhook.ts';
import { pullDeployer } from '../retraining/deployers/pull.ts';
import { checkTriggers, requestByHand, retrainingNeed } from '../retraining/request-job.ts';
import type { RequestDependencies, SeenVersion } from '../retraining/request-job.ts';
import { isCheckDue } from '../retraining/schedule.ts';
import { step } from '../retraining/step.ts';
import type { StepDependencies } from '../retraining/step.ts';
import { trainingRequest } from '../retraining/steps/train.ts';
import { embeddedTrainer } from '../retraining/trainers/embedded.ts';
import type { Trainer } from '../retraining/trainers/trainer.ts';
import type { Catalog, CatalogVersion } from '../storage/catalog.ts';
import { CheckStore } from '../storage/check-store.ts';
import type { LatestEvaluations } from '../storage/latest-evaluations.ts';
import { ModelRegistry } from '../storage/model-registry.ts';
import { RetrainingDataStore } from '../storage/retraining-data-store.ts';
import { RetrainingStore } from '../storage/retraining-store.ts';
import type { ClaimedJob } from '../storage/retraining-store.ts';
import { trafficOfBoth } from '../storage/version-traffic.ts';

export interface RetrainingParts {
  readonly pool: ConstructorParameters<typeof RetrainingStore>[0];
  readonly catalog: Catalog;
  /** Of this replica, when it evaluates. */
  readonly reports: () => readonly ModelReport[];
  /** Of the one that does. */
  readonly latest: LatestEvaluations;
  readonly clock: Clock;
  readonly log: Log;
  readonly packageFolder: string;
  /** Programs that train work below it. */
  readonly dataPath: string;
  /** Relative names of secret files start from it. */
  readonly configFolder: string;
  /** PATH for programs that train. */
  readonly searchPath: string | undefined;
}

export interface RetrainingWork {
  readonly services: RetrainingServices;
  readonly trainers: TrainerServices;
  readonly jobs: RetrainingStore;
  readonly request: RequestDependencies;
  /** An alert asks that the triggers of a model be looked at. */
  readonly alerted: (model: string, alertname: string) => Promise<void>;
  /** Exposes the status of every model that has retraining; to be called by the replica that evaluates. */
  readonly publish: (series: SeriesStore) => Promise<void>;
  /** Looks at the triggers of the models whose time has come; to be called by the replica that evaluates. */
  readonly check: () => Promise<void>;
  /** Advances what there is to advance; resolves when nothing is left to claim. */
  readonly run: (stop: AbortSignal) => Promise<void>;
}

const LEASE_MS = 30_000;
const STAGE_POLL_MS = 2_000;

/** Retraining put together; a part of the composition root, apart only for its length. */
export function retrainingWork(parts: RetrainingParts): RetrainingWork {
  const { pool, catalog, clock, log } = parts;
  const jobs = new RetrainingStore(pool);
  const data = new RetrainingDataStore(pool);
  const registry = new ModelRegistry(pool);
  const checks = new CheckStore(pool);
  const realNow = () => Date.now();
  const settingsOf = (model: string) => catalog.settingsOfModel(model);
  const embedded = embeddedTrainer({
    workerFile: path.join(parts.packageFolder, 'dist', 'src', 'retraining', 'trainers', 'embedded-worker.js'),
    artefact: (model, version) => registry.artefact(model, version),
  });
  const outbound = createOutbound(SYSTEM_OUTBOUND);
  const readFile = (file: string) => readFileSync(path.resolve(parts.configFolder, file), 'utf8');
  const trainerOf = (model: string): Trainer | null => {
    const settings = settingsOf(model).retraining;
    const { trainer } = settings;
    switch (trainer.type) {
      case 'embedded':
        return embedded;
      case 'none':
        return null;
      case 'command':
        return commandTrainer({
          command: trainer.command,
          folder: path.join(parts.dataPath, 'retraining'),
          environment: { PATH: parts.searchPath ?? '', HOME: os.tmpdir(), LANG: 'C.UTF-8' },
        });
      case 'webhook':
        return webhookTrainer({
          settings,
          trainer,
          secrets: readSecrets(readFile(trainer.secretFile)),
          outbound,
          realNow,
        });
    }
  };
  const deployerOf = (model: string): Deployer => {
    const settings = settingsOf(model).retraining;
    const { deployer } = settings;
    switch (deployer.type) {
      case 'pull':
        return pullDeployer;
      case 'webhook':
        return webhookDeployer({
          settings,
          deployer,
          secrets: readSecrets(readFile(deployer.secretFile)),
          outbound,
          realNow,
        });
      case 'kserve':
        return kserveDeployer({
          settings,
          deployer,
          token: readFile(deployer.tokenFile).trim(),
          ca: deployer.caFile === null ? null : readFile(deployer.caFile),
          outbound,
        });
      case 'mlflow':
        return mlflowDeployer({
          settings,
          deployer,
          token: deployer.tokenFile === null ? null : readFile(deployer.tokenFile).trim(),
          outbound,
        });
    }
  };
  const taskOf = (model: string) => {
    const known = catalog.versionsOf(model)[0]?.model;
    return { task: known?.task ?? 'unknown', positiveClass: known?.positiveClassName ?? null } as const;
  };
  const request: RequestDependencies = {
    jobs,
    registry,
    reports: (model) => reportsOf(model, parts),
    settingsOf,
    newLabels: (model, sinceMs, limit) => data.newLabels(model, sinceMs, limit),
    seen: (model, version) => seenVersion(catalog.versionsOf(model), version),
    clock,
  };
  const deps: StepDependencies = {
    settingsOf,
    taskOf,
    trainerOf,
    deployerOf,
    data,
    registry,
    read: (jobId, part) => data.read(jobId, part),
    hasPredictions: (jobId) => data.has(jobId, 'predictions'),
    requestOf: (job, signal) => trainingRequest(job, signal, deps),
    callbacks: {
      end: async (jobId, attempt) => {
        const told = await jobs.toldEnd(jobId, attempt);
        return told === null ? null : readEnd(told.kind, told.data);
      },
      lastHeardMs: (jobId) => jobs.lastHeardMs(jobId),
    },
    enteredMs: (job) => jobs.enteredMs(job.id, job.state),
    traffic: (job, fromMs, toMs, maxLatencyRatio) => {
      const { task, positiveClass } = job.facts.dataset!;
      const { version: candidate } = job.facts.training!.candidate;
      const { modelId, champion } = job;
      return trafficOfBoth(pool, {
        modelId,
        champion: champion.version,
        candidate,
        task,
        positiveClass,
        fromMs,
        toMs,
        maxLatencyRatio,
      });
    },
    now: () => clock.now(),
    realNow,
    pollMs: STAGE_POLL_MS,
  };
  const services: RetrainingServices = {
    request: (model, asked) => requestByHand(model, asked, request),
    need: async (model) => (await retrainingNeed(model, request)).need,
    jobs: (options) => jobs.list(options),
    job: async (id) => ({ job: await jobs.get(id), events: await jobs.events(id) }),
    decide: async (id, verdict, by, note) => {
      const { model, requestedBy } = await jobs.get(id);
      if (settingsOf(model).retraining.approverMustDiffer && verdict === 'approved' && by === requestedBy)
        throw new ServiceError(
          'conflict',
          `${by} asked for this job; another token must approve it (retraining.approver_must_differ).`,
        );
      await jobs.decide(id, verdict, by, note, clock.now());
    },
    cancel: (id, by) => jobs.cancel(id, by, clock.now()),
    pause: (id, paused, by) => jobs.pause(id, paused, by, clock.now()),
    registry: (model) => registry.list(model),
    artefact: (model, version) => registry.artefact(model, version),
    routing: (model) => routingOf(model, { jobs, registry, request }),
  };
  const webhookOf = (model: string) => {
    const { trainer } = settingsOf(model).retraining;
    return trainer.type === 'webhook' ? { trainer, secrets: readSecrets(readFile(trainer.secretFile)), realNow } : null;
  };
  const trainers = trainerSide({
    job: (id) => jobs.callbackJob(id),
    secretsOf: (model) => webhookOf(model)?.secrets ?? null,
    record: (message) => jobs.record(message, clock.now()),
    nowSeconds: () => Math.floor(realNow() / 1000),
    jobs,
    toldEnd: (jobId, attempt) => jobs.toldEnd(jobId, attempt),
    read: (jobId, part) => data.read(jobId, part),
    upload: (jobId, bytes) => data.upload(jobId, bytes),
    urls: (model, jobId) => {
      const webhook = webhookOf(model);
      if (webhook === null) return null;
      return {
        holdout: partUrl(webhook, jobId, 'holdout'),
        predictions: `${jobUrl(webhook.trainer.callbackUrl, jobId)}/predictions`,
      };
    },
  });
  return {
    services,
    trainers,
    jobs,
    request,
    check: () => checkDue(parts, checks, request),
    alerted: (model, alertname) => checks.alerted(model, alertname, clock.now()),
    publish: (series) => publishAll(series, parts, jobs, request),
    run: async (stop) => {
      while (!stop.aborted)
        if (
          !(await advanceOne<ClaimedJob>(
            { store: jobs, step: (job, signal) => step(job, signal, deps), clock, log, leaseMs: LEASE_MS },
            stop,
          ))
        )
          return;
    },
  };
}

/** An evaluation that is older than this no longer says how a model is. */
const STALE_MS = 86_400_000;

/** Any replica answers: what it does not evaluate itself, the database has, no more than a minute old. */
async function reportsOf(
  model: string,
  { reports, latest, catalog, clock }: RetrainingParts,
): Promise<readonly JudgedReport[]> {
  const own = reports().filter((report) => report.model === model);
  if (own.length > 0) return own;
  const settings = catalog.settingsOfModel(model);
  const task = catalog.versionsOf(model)[0]?.model.task;
  if (task === undefined) return [];
  const stored = (await latest.of(model, clock.now() - STALE_MS)).flatMap(({ version, record }) => {
    const known = readEvaluationRecord(record);
    return known === null ? [] : [{ model, version, task, settings, ...known }];
  });
  if (stored.length === 0)
    throw new ServiceError(
      'unavailable',
      `No evaluation of ${JSON.stringify(model)} has been stored yet: the replica that evaluates stores one a minute.`,
    );
  return stored;
}

function seenVersion(versions: readonly CatalogVersion[], version: string): SeenVersion | null {
  const seen = versions.find(({ target }) => target.version === version);
  if (seen === undefined) return null;
  return {
    firstSeenMs: seen.createdAtMs,
    hasOwnBaseline: seen.baselineId !== null && seen.inheritedFrom === null,
    isFirst: versions.every(({ createdAtMs }) => createdAtMs >= seen.createdAtMs),
  };
}

async function checkDue(
  { catalog, clock, log }: RetrainingParts,
  checks: CheckStore,
  request: RequestDependencies,
): Promise<void> {
  const models = new Map(catalog.versions().map(({ model }) => [model.id, model]));
  for (const { id, name, settings } of models.values()) {
    if (!settings.retraining.enabled) continue;
    const nowMs = clock.now();
    const { checkedAtMs, alert } = await checks.last(id, nowMs);
    if (alert === null && !isCheckDue(checkedAtMs, nowMs, settings.retraining)) continue;
    const result = await checkTriggers(name, alert === null ? 'schedule' : 'alert', alert, request).catch(
      (error: unknown) => {
        if (isWithoutReport(error)) return null;
        throw error;
      },
    );
    // A model without a report yet is looked at again when it has one.
    if (result === null) continue;
    await checks.checked(id, nowMs, alert);
    const { reasons, blockedBy } = result.need;
    log.info(
      { model: name, result: result.kind, reasons: reasons.map(({ code }) => code), blockedBy },
      'the triggers of a model were checked',
    );
  }
}

function isWithoutReport(error: unknown): boolean {
  return error instanceof ServiceError && (error.code === 'not_found' || error.code === 'unavailable');
}

async function publishAll(
  series: SeriesStore,
  { catalog, log }: RetrainingParts,
  jobs: RetrainingStore,
  request: RequestDependencies,
): Promise<void> {
  const outcomes = await jobs.outcomes();
  for (const model of new Set(catalog.versions().map((version) => version.model.name))) {
    const { enabled, trainer } = catalog.settingsOfModel(model).retraining;
    if (!enabled && trainer.type === 'none') {
      publishRetraining(series, model, null);
      continue;
    }
    try {
      const { need, report } = await retrainingNeed(model, request);
      const [newest] = await jobs.list({ model, limit: 1 });
      const ended = new Map(
        outcomes.filter((one) => one.model === model).map(({ outcome, seconds }) => [outcome, seconds]),
      );
      publishRetraining(series, model, {
        model,
        version: report.version,
        need,
        jobState: newest?.state ?? null,
        ended,
      });
    } catch (error) {
      if (!isWithoutReport(error)) throw error;
      log.debug({ model }, 'the model has not been evaluated yet');
    }
  }
}

/** From the job under way where it moves traffic, else the version in charge. */
async function routingOf(
  model: string,
  {
    jobs,
    registry,
    request,
  }: { readonly jobs: RetrainingStore; readonly registry: ModelRegistry; readonly request: RequestDependencies },
): Promise<Routing> {
  const job = await jobs.active(model);
  const rollout = job?.facts.rollout;
  const candidate = job?.facts.training?.candidate;
  if (job !== null && rollout !== undefined && candidate !== undefined) {
    if (job.state === 'monitoring') return { champion: candidate.version, candidate: null };
    const { percent, shadow, applied } = rollout;
    const { version, uri } = candidate;
    return {
      champion: job.champion.version,
      candidate: applied || rollout.stage > 0 ? { version, uri, percent, shadow } : null,
    };
  }
  const champion = await registry.champion(model);
  return { champion: champion?.version ?? (await retrainingNeed(model, request)).report.version, candidate: null };
}
