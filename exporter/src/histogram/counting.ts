import type { KnownOrUnknownTask } from '../domain/task.ts';
import type { BucketMinutes } from './time-bucket.ts';

/**
 * What rows are counted as under a scheme, beside its bins. Fixed for the life of the scheme: what was counted of a row can be computed
 * again, and taken out, whatever the settings say by then. Settings that ask for something else make another scheme.
 */
export interface Counting {
  readonly task: KnownOrUnknownTask;
  /** Class whose score is the score of a binary model; null: none. */
  readonly positiveClass: string | null;
  readonly bucketMinutes: BucketMinutes;
  /** Keys of `segment` that are counted apart. */
  readonly segments: readonly string[];
}

export function isSameCounting(a: Counting, b: Counting): boolean {
  return (
    a.task === b.task &&
    a.positiveClass === b.positiveClass &&
    a.bucketMinutes === b.bucketMinutes &&
    a.segments.length === b.segments.length &&
    a.segments.every((key) => b.segments.includes(key))
  );
}
