import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import type { Job, JobFacts, JobState } from '../domain/retraining.ts';
import { mayMove } from './transitions.ts';

/** What one step comes to. `facts` are laid over the job's own; `detail` is told with the event. */
export type Step =
  | {
      readonly kind: 'move';
      readonly to: JobState;
      readonly facts?: JobFacts;
      readonly detail?: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: 'stay';
      readonly afterMs: number;
      readonly facts?: JobFacts;
      readonly attempt?: number;
      readonly tokenHash?: Buffer;
      readonly event?: { readonly kind: string; readonly detail: Readonly<Record<string, unknown>> };
    };

/** The work of one state. `signal` fires when the work is for nothing: the lease was lost, the job cancelled, the exporter stops. */
export type StepOf<Claimed extends Job> = (job: Claimed, signal: AbortSignal) => Promise<Step>;

export interface JobStore<Claimed extends Job> {
  claim(leaseMs: number): Promise<Claimed | null>;
  renew(job: Claimed, leaseMs: number): Promise<boolean>;
  release(job: Claimed): Promise<void>;
  write(
    job: Claimed,
    write: {
      readonly to: JobState;
      readonly attempt: number;
      readonly facts: JobFacts;
      readonly runAfterMs: number;
      readonly event: { readonly kind: string; readonly detail: Readonly<Record<string, unknown>> } | null;
      readonly tokenHash?: Buffer;
    },
    nowMs: number,
  ): Promise<boolean>;
}

export interface AdvanceDependencies<Claimed extends Job> {
  readonly store: JobStore<Claimed>;
  readonly step: StepOf<Claimed>;
  readonly clock: Clock;
  readonly log: Log;
  readonly leaseMs: number;
}

/** Until so many failures of a step in a row it is tried again. */
const MAX_FAILURES = 5;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/**
 * Claims one job, does the step of its state and writes what came of it. false: there was none to claim.
 *
 * The lease is renewed while the step runs; a worker that loses it hears so by the signal, and what it writes all the same changes
 * nothing, for the write asks for its fence and for the state it was claimed in.
 */
export async function advanceOne<Claimed extends Job>(
  deps: AdvanceDependencies<Claimed>,
  stop: AbortSignal,
): Promise<boolean> {
  const { store, clock, log, leaseMs } = deps;
  const job = await store.claim(leaseMs);
  if (job === null) return false;
  const lost = new AbortController();
  let renewing: Promise<void> = Promise.resolve();
  const renewal = setInterval(() => {
    renewing = store.renew(job, leaseMs).then(
      (ours) => {
        if (!ours) lost.abort();
      },
      (error: unknown) => log.warn({ err: error, jobId: job.id }, 'the lease of a job could not be renewed'),
    );
  }, leaseMs / 3);
  try {
    const step = await attempt(deps, job, AbortSignal.any([stop, lost.signal]));
    // One that is still under way would take the job again after it was given back.
    clearInterval(renewal);
    await renewing;
    if (step === null) {
      await store.release(job);
      return true;
    }
    const written = await store.write(job, toWrite(job, step), clock.now());
    if (!written)
      log.warn({ jobId: job.id, state: job.state }, 'a job was taken over: what this worker found is dropped');
    else if (step.kind === 'move')
      log.info({ jobId: job.id, model: job.model, from: job.state, to: step.to }, 'a retraining job moved');
    return true;
  } finally {
    clearInterval(renewal);
  }
}

/** null: the work was cut short, and the job is to be given back as it is. */
async function attempt<Claimed extends Job>(
  { step, log }: AdvanceDependencies<Claimed>,
  job: Claimed,
  signal: AbortSignal,
): Promise<Step | null> {
  try {
    return await step(job, signal);
  } catch (error) {
    if (signal.aborted) return null;
    const failures = (job.facts.failures ?? 0) + 1;
    log.warn({ err: error, jobId: job.id, state: job.state, failures }, 'a step of a retraining job failed');
    const message = error instanceof Error ? error.message : String(error);
    if (failures >= MAX_FAILURES) {
      const to: JobState = mayMove(job.state, 'failed') ? 'failed' : job.state;
      return {
        kind: 'move',
        to,
        facts: { error: { code: 'step_failed', message } },
        detail: { code: 'step_failed', message },
      };
    }
    const afterMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures) * (0.5 + Math.random() / 2);
    return {
      kind: 'stay',
      afterMs,
      facts: { failures },
      event: { kind: 'step_failed', detail: { message, failures } },
    };
  }
}

function toWrite<Claimed extends Job>(job: Claimed, step: Step): Parameters<JobStore<Claimed>['write']>[1] {
  if (step.kind === 'move') {
    if (!mayMove(job.state, step.to)) throw new Error(`a job cannot go from ${job.state} to ${step.to}`);
    const facts = { ...step.facts, failures: 0 };
    return {
      to: step.to,
      attempt: job.attempt,
      facts,
      runAfterMs: 0,
      event: { kind: 'transition', detail: step.detail ?? {} },
    };
  }
  const { afterMs, facts = {}, attempt: next = job.attempt, event = null, tokenHash } = step;
  return {
    to: job.state,
    attempt: next,
    facts: event?.kind === 'step_failed' ? facts : { ...facts, failures: 0 },
    runAfterMs: afterMs,
    event,
    ...(tokenHash === undefined ? {} : { tokenHash }),
  };
}
