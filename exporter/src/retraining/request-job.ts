import type { Clock } from '../domain/clock.ts';
import type { JudgedReport } from '../domain/model-report.ts';
import type {
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
  /** When a version was first seen; NaN: never. */
  readonly firstSeen: (model: string, version: string) => number;
  readonly clock: Clock;
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
  const trainedAtMs = trainedAt(report, entry, deps);
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
    versionChanged: entry !== undefined && report.baseline.kind === 'none',
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

/** Of what is known: when its job registered it, when its baseline was made, when it was first seen. */
function trainedAt(report: JudgedReport, entry: RegistryEntry | undefined, deps: RequestDependencies): number {
  if (entry !== undefined) return entry.trainedAtMs;
  const { madeAtMs } = report.baseline;
  const firstSeenMs = deps.firstSeen(report.model, report.version);
  return Number.isNaN(madeAtMs) ? firstSeenMs : Math.min(madeAtMs, Number.isNaN(firstSeenMs) ? Infinity : firstSeenMs);
}

export interface ManualRequest {
  readonly reason: string;
  readonly requestedBy: string;
  /** Whether to start in spite of the cool-down. */
  readonly overrideCooldown: boolean;
}

/** A person, or a program in a person's name, asks. The job under way where there is one; ServiceError conflict within the cool-down. */
export async function requestByHand(
  model: string,
  { reason, requestedBy, overrideCooldown }: ManualRequest,
  deps: RequestDependencies,
): Promise<{ readonly jobId: string; readonly created: boolean }> {
  const { need, report, lastEndMs } = await retrainingNeed(model, deps);
  requireTrainer(report);
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
  const free = need.blockedBy.length === 0 && report.settings.retraining.trainer.type !== 'none';
  if (reasons.length === 0 || !free) return { kind: 'not_started', need };
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

function requireTrainer({ model, settings }: JudgedReport): void {
  if (settings.retraining.trainer.type === 'none')
    throw new ServiceError(
      'conflict',
      `No trainer is configured for ${JSON.stringify(model)}: see retraining.trainer.`,
    );
}
