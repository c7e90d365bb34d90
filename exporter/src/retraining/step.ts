import type { Step } from './advance.ts';
import { approve } from './steps/approve.ts';
import type { ApproveDependencies } from './steps/approve.ts';
import { prepare } from './steps/prepare.ts';
import type { PrepareDependencies } from './steps/prepare.ts';
import { monitor, rollOut } from './steps/roll-out.ts';
import type { RollOutDependencies } from './steps/roll-out.ts';
import { train } from './steps/train.ts';
import type { TrainDependencies } from './steps/train.ts';
import { validate } from './steps/validate.ts';
import type { ValidateDependencies } from './steps/validate.ts';
import type { WorkedJob } from './worked-job.ts';

export type StepDependencies = PrepareDependencies &
  TrainDependencies &
  ValidateDependencies &
  ApproveDependencies &
  RollOutDependencies;

/** The work of the state that a job is in. Until traffic is moved a cancelled job just ends. */
export async function step(job: WorkedJob, signal: AbortSignal, deps: StepDependencies): Promise<Step> {
  const { state } = job;
  if (job.cancelledBy !== null && state !== 'rolling_out' && state !== 'monitoring')
    return { kind: 'move', to: 'cancelled', detail: { by: job.cancelledBy } };
  switch (state) {
    case 'queued':
      return { kind: 'move', to: 'preparing' };
    case 'preparing':
      return prepare(job, signal, deps);
    case 'training':
      return train(job, signal, deps);
    case 'validating':
      return validate(job, signal, deps);
    case 'awaiting_approval':
      return approve(job, deps);
    case 'rolling_out':
      return rollOut(job, signal, deps);
    case 'monitoring':
      return monitor(job, signal, deps);
    case 'succeeded':
    case 'rejected':
    case 'failed':
    case 'cancelled':
    case 'rolled_back':
      throw new Error(`a job that is ${state} has no next step`);
  }
}
