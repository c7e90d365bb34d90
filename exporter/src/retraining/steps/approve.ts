import type { RegistryStage } from '../../domain/retraining.ts';
import type { ModelSettings } from '../../domain/settings.ts';
import type { Step } from '../advance.ts';
import type { WorkedJob } from '../worked-job.ts';

export interface ApproveDependencies {
  readonly settingsOf: (model: string) => ModelSettings;
  readonly registry: { place(job: WorkedJob, stage: RegistryStage, nowMs: number): Promise<void> };
  readonly enteredMs: (job: WorkedJob) => Promise<number>;
  readonly now: () => number;
}

const POLL_MS = 60_000;

/** Waits for a person, where one is asked for: by configuration, for a shadow job, or where the figures alone do not decide. */
export async function approve(job: WorkedJob, deps: ApproveDependencies): Promise<Step> {
  const { approval, rollout } = deps.settingsOf(job.model).retraining;
  const { gate, approval: decision } = job.facts;
  if (decision?.verdict === 'rejected') return reject(job, { by: decision.by, note: decision.note }, deps);
  if (decision?.verdict === 'approved')
    return { kind: 'move', to: 'rolling_out', detail: { by: decision.by, note: decision.note } };
  if (approval === 'automatic' && gate?.verdict === 'approve' && !gate.selfReported && !job.shadow)
    return { kind: 'move', to: 'rolling_out', detail: { by: 'retraining.approval: automatic' } };
  if (deps.now() - (await deps.enteredMs(job)) > rollout.approvalTimeoutMs)
    return reject(job, { by: 'exporter', note: 'nobody approved it in time' }, deps);
  return { kind: 'stay', afterMs: POLL_MS };
}

async function reject(
  job: WorkedJob,
  detail: Readonly<Record<string, unknown>>,
  deps: ApproveDependencies,
): Promise<Step> {
  await deps.registry.place(job, 'rejected', deps.now());
  return { kind: 'move', to: 'rejected', detail };
}
