import type { Clock } from '../domain/clock.ts';
import type { JudgedReport } from '../domain/model-report.ts';
import type {
  Blocker,
  Job,
  JobRequest,
  JobState,
  RegistryEntry,
  RetrainingNeed,
  RetrainingReason,
} from '../domain/retraining.ts';
import { ServiceError } from '../domain/service-error.ts';
import type { ModelSettings } from '../domain/settings.ts';
import { cooldownEnd } from './cooldown.ts';
import { championOf, findNeed, isShadowOnly } from './triggers.ts';

export interface RequestDependencies {
  readonly jobs: {
    request(request: JobRequest, nowMs: number): Promise<{ readonly jobId: string; readonly created: boolean }>;
    active(model: string): Promise<Job | null>;
    finished(
      model: string,
      limit: number,
    ): Promise<readonly { readonly state: JobState; readonly finishedAtMs: number }[]>;
  };
  readonly registry: { list(model: string): Promise<readonly RegistryEntry[]> };
  /** Latest evaluations of every version of a model. */
  readonly reports: (model: string) => Promise<readonly JudgedReport[]>;
  readonly settingsOf: (model: string) => ModelSettings;
  /** Labelled predictions since a moment, counted up to `limit`. */
  readonly newLabels: (model: string, sinceMs: number, limit: number) => Promise<number>;
  /** null: no prediction of the version has ever been seen. */
  readonly seen: (model: string, version: string) => SeenVersion | null;
  readonly clock: Clock;
}

export interface SeenVersion {
  readonly firstSeenMs: number;
  /** An inherited baseline is that of another version. */
  readonly hasOwnBaseline: boolean;
  /** No other version of the model was seen before it. */
  readonly isFirst: boolean;
}

/** More rejections in a row than this double the cool-down no further. */
const JOBS_LOOKED_AT = 20;
/** A report is needed for reasons, but not for a person's wish: labels are counted to this all the same. */
const SHOWN_DATA_POINTS = 1_000_000;

export interface NeedAndReport {
  readonly need: RetrainingNeed;
  /** The newest end of a job; NaN: none. */
  readonly lastEndMs: number;
  readonly report: JudgedReport;
}

/** What speaks for retraining the version in charge. ServiceError not_found before the first evaluation. */
export async function retrainingNeed(model: string, deps: RequestDependencies): Promise<NeedAndReport> {
  const entries = await deps.registry.list(model);
  const report = reportInCharge(model, entries, await deps.reports(model));
  const entry = entries.find(({ version }) => version === report.version);
  const seen = deps.seen(model, report.version);
  const trainedAtMs = trainedAt(report, entry, seen);
  const { retraining } = report.settings;
  const [active, finished, newDataPoints] = await Promise.all([
    deps.jobs.active(model),
    deps.jobs.finished(model, JOBS_LOOKED_AT),
    deps.newLabels(model, trainedAtMs, Math.max(SHOWN_DATA_POINTS, retraining.triggers.minNewDataPoints)),
  ]);
  const need = findNeed({
    report,
    nowMs: deps.clock.now(),
    trainedAtMs,
    newDataPoints,
    activeJob: active !== null,
    cooldownEndMs: cooldownEnd(finished, retraining.cooldownMs),
    versionChanged: seen !== null && !seen.isFirst && !seen.hasOwnBaseline,
  });
  return { need, report, lastEndMs: finished[0]?.finishedAtMs ?? NaN };
}

/** The version in charge: the registry's champion, else the one with most predictions that no job has thrown out. */
function reportInCharge(
  model: string,
  entries: readonly RegistryEntry[],
  reports: readonly JudgedReport[],
): JudgedReport {
  const champion = entries.find(({ stage }) => stage === 'champion')?.version;
  const out = new Set(
    entries.filter(({ stage }) => stage !== 'champion' && stage !== 'retired').map((one) => one.version),
  );
  const eligible = reports.filter(({ version }) => !out.has(version));
  const found =
    eligible.find(({ version }) => version === champion) ??
    [...eligible].sort((a, b) => b.windowPredictions - a.windowPredictions)[0];
  if (found === undefined)
    throw new ServiceError('not_found', `There is no evaluation of a model ${JSON.stringify(model)} yet.`);
  return found;
}

/** Of what is known: when its job registered it, when its own baseline was made, when it was first seen. NaN: nothing is. */
function trainedAt({ baseline }: JudgedReport, entry: RegistryEntry | undefined, seen: SeenVersion | null): number {
  if (entry !== undefined) return entry.trainedAtMs;
  const madeAtMs = seen?.hasOwnBaseline === false ? NaN : baseline.madeAtMs;
  if (seen === null) return madeAtMs;
  return Number.isNaN(madeAtMs) ? seen.firstSeenMs : Math.min(madeAtMs, seen.firstSeenMs);
}

export interface ManualRequest {
  readonly reason: string;
  readonly requestedBy: string;
  /** Whether to start in spite of the cool-down. */
  readonly overrideCooldown: boolean;
}

/**
 * A person, or a program in a person's name, asks. The job under way where there is one; ServiceError conflict within the cool-down,
 * without a trainer, or before it is known what the model predicts.
 */
export async function requestByHand(
  model: string,
  { reason, requestedBy, overrideCooldown }: ManualRequest,
  deps: RequestDependencies,
): Promise<{ readonly jobId: string; readonly created: boolean }> {
  const { need, report, lastEndMs } = await retrainingNeed(model, deps);
  requireWhatItTakes(report, need.blockedBy);
  if (need.blockedBy.includes('cooldown') && !need.blockedBy.includes('active_job') && !overrideCooldown)
    throw new ServiceError(
      'conflict',
      `The cool-down of ${JSON.stringify(model)} lasts until ${new Date(need.cooldownEndMs).toISOString()}; "override_cooldown": true starts a job in spite of it.`,
    );
  const note = overrideCooldown && need.blockedBy.includes('cooldown') ? `${reason} (cool-down overridden)` : reason;
  const asked: RetrainingReason = {
    code: 'manual',
    observed: null,
    threshold: null,
    windowSeconds: null,
    samples: null,
    note,
  };
  const reasons = [asked, ...need.reasons];
  return deps.jobs.request(
    { model, trigger: 'manual', requestedBy, reasons, champion: championOf(report, reasons), shadow: false, lastEndMs },
    deps.clock.now(),
  );
}

/** What a check of the triggers came to. */
export type CheckResult =
  | { readonly kind: 'started'; readonly jobId: string; readonly need: RetrainingNeed }
  | { readonly kind: 'not_started'; readonly need: RetrainingNeed };

/** Looks at the triggers, and starts a job where one is due and nothing stands against it. */
export async function checkTriggers(
  model: string,
  trigger: 'schedule' | 'alert',
  alert: string | null,
  deps: RequestDependencies,
): Promise<CheckResult> {
  const { need, report, lastEndMs } = await retrainingNeed(model, deps);
  const reasons = alert === null ? need.reasons : [alertReason(alert), ...need.reasons];
  if (reasons.length === 0 || need.blockedBy.length > 0) return { kind: 'not_started', need };
  const { jobId, created } = await deps.jobs.request(
    {
      model,
      trigger,
      requestedBy: trigger,
      reasons,
      champion: championOf(report, reasons),
      shadow: alert === null && isShadowOnly(need),
      lastEndMs,
    },
    deps.clock.now(),
  );
  return created ? { kind: 'started', jobId, need } : { kind: 'not_started', need };
}

/** The rule had its own figures and thresholds; the alert history has them. */
function alertReason(alertname: string): RetrainingReason {
  return { code: 'alert', observed: null, threshold: null, windowSeconds: null, samples: null, note: alertname };
}

/** Without these a job could only fail: no wish overrides them. */
function requireWhatItTakes({ model }: JudgedReport, blockedBy: readonly Blocker[]): void {
  const name = JSON.stringify(model);
  if (blockedBy.includes('no_trainer'))
    throw new ServiceError('conflict', `No trainer is configured for ${name}: see retraining.trainer.`);
  if (blockedBy.includes('task_unknown'))
    throw new ServiceError(
      'conflict',
      `It is not known yet what ${name} predicts: declare its task (models.<name>.task), or send more of its predictions.`,
    );
}
