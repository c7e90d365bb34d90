import type { JobState } from '../domain/retraining.ts';

/**
 * Where a job may go from each state: all there is. It has no cycle, so that a job enters a state at most once, and ends.
 * From rolling_out on there is traffic to take back: what is cancelled then is rolled back.
 */
export const TRANSITIONS: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ['preparing', 'failed', 'cancelled'],
  preparing: ['training', 'failed', 'cancelled'],
  training: ['validating', 'failed', 'cancelled'],
  validating: ['awaiting_approval', 'rejected', 'failed', 'cancelled'],
  awaiting_approval: ['rolling_out', 'rejected', 'failed', 'cancelled'],
  rolling_out: ['monitoring', 'rolled_back', 'failed'],
  monitoring: ['succeeded', 'rolled_back', 'failed'],
  succeeded: [],
  rejected: [],
  failed: [],
  cancelled: [],
  rolled_back: [],
};

export function mayMove(from: JobState, to: JobState): boolean {
  return TRANSITIONS[from].includes(to);
}
