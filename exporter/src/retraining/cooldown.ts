import type { JobState } from '../domain/retraining.ts';

const DAY_MS = 86_400_000;
const LONGEST_MS = 30 * DAY_MS;
/** From so many rejections in a row on, each doubles the pause: training the same on the same again is no plan. */
const PATIENT_REJECTIONS = 3;

/**
 * When the next job may start by itself: the cool-down counts from the end of the last job, however it ended, and doubles from the third
 * rejection in a row on, up to 30 days.
 *
 * @param finished jobs of the model that have ended, newest first
 * @returns NaN when there was none
 */
export function cooldownEnd(
  finished: readonly { readonly state: JobState; readonly finishedAtMs: number }[],
  cooldownMs: number,
): number {
  const last = finished[0];
  if (last === undefined) return NaN;
  const firstOther = finished.findIndex(({ state }) => state !== 'rejected');
  const rejections = firstOther === -1 ? finished.length : firstOther;
  const doublings = Math.max(0, rejections - PATIENT_REJECTIONS + 1);
  return last.finishedAtMs + Math.max(cooldownMs, Math.min(LONGEST_MS, cooldownMs * 2 ** doublings));
}
