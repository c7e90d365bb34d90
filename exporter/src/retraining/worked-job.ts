import type { Job } from '../domain/retraining.ts';

/** A job in the hands of this worker. */
export interface WorkedJob extends Job {
  readonly fence: number;
}
