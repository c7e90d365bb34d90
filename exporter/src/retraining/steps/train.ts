import type { TrainingResult } from '../../domain/retraining.ts';
import { externalId } from '../../domain/retraining.ts';
import type { ModelSettings } from '../../domain/settings.ts';
import type { Step } from '../advance.ts';
import type { Trainer, TrainerError, TrainerPart, TrainingRequest } from '../trainers/trainer.ts';
import type { WorkedJob } from '../worked-job.ts';

/** The end of an attempt as its trainer told it from outside. */
export type ReportedEnd =
  | { readonly kind: 'completed'; readonly result: TrainingResult }
  | { readonly kind: 'failed'; readonly error: TrainerError };

export interface TrainDependencies {
  readonly settingsOf: (model: string) => ModelSettings;
  readonly trainerOf: (model: string) => Trainer | null;
  readonly read: (jobId: string, part: TrainerPart) => AsyncIterable<Buffer>;
  readonly registry: {
    register(job: WorkedJob, result: TrainingResult, artefact: Buffer | null, nowMs: number): Promise<boolean>;
    list(model: string): Promise<readonly { readonly version: string }[]>;
  };
  readonly callbacks: {
    /** What the trainer of this attempt said last; null: nothing that ends it. */
    end(jobId: string, attempt: number): Promise<ReportedEnd | null>;
    /** Real time of the last sign of life; NaN: none. */
    lastHeardMs(jobId: string): Promise<number>;
  };
  readonly now: () => number;
  /** Real time, for deadlines. */
  readonly realNow: () => number;
}

export const MAX_ATTEMPTS = 3;
const POLL_MS = 30_000;
const FIRST_RETRY_MS = 5_000;

/**
 * Dispatch is the step that is not idempotent, so its intent is written down first, under an id that every retry of it repeats; the
 * trainer looks up what became of that id before it begins. An attempt that runs in this process and was interrupted counts as one.
 */
export async function train(job: WorkedJob, signal: AbortSignal, deps: TrainDependencies): Promise<Step> {
  const trainer = deps.trainerOf(job.model);
  if (trainer === null) return failed('no_trainer', 'No trainer is configured for the model any more.', '');
  const dispatch = job.facts.dispatch;
  if (dispatch === undefined) return intend(job, 1, 0, deps);
  if (dispatch.attempt !== job.attempt) return intend(job, job.attempt, 0, deps);
  if (dispatch.accepted) return wait(job, deps);
  const outcome = await trainer.train(trainingRequest(job, signal, deps));
  switch (outcome.kind) {
    case 'completed':
      return complete(job, outcome.result, outcome.artefact, outcome.output, deps);
    case 'failed':
      return retryOrFail(job, outcome.error, outcome.output, deps);
    case 'busy':
      if (deps.realNow() >= dispatch.deadlineMs)
        return failed('unreachable', 'The trainer took no job until the deadline of the attempt.', '');
      return {
        kind: 'stay',
        afterMs: outcome.afterMs,
        event: { kind: 'trainer_busy', detail: { attempt: job.attempt } },
      };
    case 'running':
      return {
        kind: 'stay',
        afterMs: POLL_MS,
        facts: { dispatch: { ...dispatch, accepted: true } },
        event: { kind: 'dispatched', detail: { attempt: job.attempt, external_id: dispatch.externalId } },
      };
  }
}

/** What a trainer is told, the same at each call for an attempt. */
export function trainingRequest(
  job: WorkedJob,
  signal: AbortSignal,
  deps: Pick<TrainDependencies, 'settingsOf' | 'read' | 'realNow'>,
): TrainingRequest {
  const { hints } = deps.settingsOf(job.model).retraining;
  const dispatch = job.facts.dispatch!;
  return {
    jobId: job.id,
    attempt: job.attempt,
    externalId: dispatch.externalId,
    model: job.model,
    dataset: job.facts.dataset!,
    reasons: job.reasons,
    championVersion: job.champion.version,
    hints,
    candidateVersion: dispatch.candidateVersion,
    deadlineMs: Math.max(0, dispatch.deadlineMs - deps.realNow()),
    read: (part) => deps.read(job.id, part),
    signal,
  };
}

/** Numbers are counted up; other names get the job's. */
function nextVersion(champion: string, taken: ReadonlySet<string>, jobId: string): string {
  if (!/^\d{1,9}$/.test(champion)) return `job-${jobId.slice(0, 8)}`;
  let next = Number(champion) + 1;
  while (taken.has(String(next))) next++;
  return String(next);
}

async function intend(
  job: WorkedJob,
  attempt: number,
  afterMs: number,
  deps: TrainDependencies,
): Promise<Extract<Step, { readonly kind: 'stay' }>> {
  const { trainer } = deps.settingsOf(job.model).retraining;
  const deadlineMs = deps.realNow() + afterMs + ('deadlineMs' in trainer ? trainer.deadlineMs : 0);
  const taken = new Set((await deps.registry.list(job.model)).map(({ version }) => version));
  const candidateVersion = nextVersion(job.champion.version, taken, job.id);
  const hash = deps.trainerOf(job.model)?.tokenHash?.(externalId(job.id, attempt));
  const intent = { attempt, externalId: externalId(job.id, attempt), accepted: false, deadlineMs, candidateVersion };
  return {
    kind: 'stay',
    afterMs,
    attempt,
    facts: { dispatch: intent },
    ...(hash === undefined ? {} : { tokenHash: hash }),
    event: { kind: 'attempt', detail: { attempt, external_id: intent.externalId } },
  };
}

/** The trainer works elsewhere: until it tells its end, is silent for too long, or its time is up. */
async function wait(job: WorkedJob, deps: TrainDependencies): Promise<Step> {
  const end = await deps.callbacks.end(job.id, job.attempt);
  if (end?.kind === 'completed') return complete(job, end.result, null, '', deps);
  if (end?.kind === 'failed') return retryOrFail(job, end.error, '', deps);
  const { trainer } = deps.settingsOf(job.model).retraining;
  const nowMs = deps.realNow();
  if (nowMs >= job.facts.dispatch!.deadlineMs)
    return retryOrFail(
      job,
      { code: 'deadline', message: 'The trainer did not finish in time.', retryable: false },
      '',
      deps,
    );
  const heardMs = await deps.callbacks.lastHeardMs(job.id);
  const silentMs = 'heartbeatMs' in trainer ? heardMs + trainer.heartbeatMs : Infinity;
  if (nowMs > silentMs)
    return retryOrFail(
      job,
      { code: 'silent', message: 'The trainer was silent for longer than its heartbeat.', retryable: true },
      '',
      deps,
    );
  const nextMs = Math.min(nowMs + POLL_MS, job.facts.dispatch!.deadlineMs, silentMs + 1);
  return { kind: 'stay', afterMs: nextMs - nowMs };
}

async function complete(
  job: WorkedJob,
  result: TrainingResult,
  artefact: Buffer | null,
  output: string,
  deps: TrainDependencies,
): Promise<Step> {
  if (!(await deps.registry.register(job, result, artefact, deps.now())))
    return failed(
      'version_taken',
      `There is a version ${JSON.stringify(result.candidate.version)} of the model already.`,
      output,
    );
  const { predictionsWithinMs } = deps.settingsOf(job.model).retraining.gate;
  return {
    kind: 'move',
    to: 'validating',
    facts: { training: result, output, holdoutDeadlineMs: deps.realNow() + predictionsWithinMs },
    detail: { version: result.candidate.version, metrics: result.metrics },
  };
}

async function retryOrFail(
  job: WorkedJob,
  error: TrainerError,
  output: string,
  deps: TrainDependencies,
): Promise<Step> {
  if (!error.retryable || job.attempt >= MAX_ATTEMPTS) return failed(error.code, error.message, output);
  const afterMs = FIRST_RETRY_MS * 2 ** (job.attempt - 1) * (0.5 + Math.random() / 2);
  const next = await intend(job, job.attempt + 1, afterMs, deps);
  return {
    ...next,
    facts: { ...next.facts, output },
    event: { kind: 'attempt_failed', detail: { ...error, attempt: job.attempt } },
  };
}

function failed(code: string, message: string, output: string): Step {
  return { kind: 'move', to: 'failed', facts: { error: { code, message }, output }, detail: { code, message } };
}
