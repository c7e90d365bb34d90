import type { HistogramTotals } from '../domain/model-report.ts';
import { JOB_OUTCOMES, JOB_STATES } from '../domain/retraining.ts';
import type { JobOutcome, JobState, ReasonCode, RetrainingNeed } from '../domain/retraining.ts';
import { retrainingFamilies as families } from './families.ts';
import type { SeriesStore } from './series-store.ts';

/** What is exposed of one model's retraining. */
export interface RetrainingStatus {
  readonly model: string;
  /** In charge. */
  readonly version: string;
  readonly need: RetrainingNeed;
  /** Of the newest job; null: there was none. */
  readonly jobState: JobState | null;
  /** Of the jobs that have ended, how long each took. */
  readonly ended: ReadonlyMap<JobOutcome, readonly number[]>;
}

/** Reasons that are looked for at each check; a person's wish or an alert is none of them. */
const SHOWN_REASONS: readonly ReasonCode[] = [
  'performance_drop',
  'calibration_gap',
  'error_rate',
  'days_since_training',
  'drift_detected',
  'baseline_refresh',
];
const DURATION_BOUNDS_SECONDS = [60, 300, 900, 3_600, 14_400, 43_200, 86_400, 259_200, 604_800];
/** No version has a NUL: series of a model that are of none of its versions. */
const OWNER_VERSION = '\0retraining';

/** In the place of what was exposed before; null: nothing any more. */
export function publishRetraining(store: SeriesStore, model: string, status: RetrainingStatus | null): void {
  const owner = { model, version: OWNER_VERSION };
  if (status === null) {
    store.drop(owner);
    return;
  }
  const { version, need, jobState, ended } = status;
  const found = new Set([...need.reasons, ...need.suggestions].map(({ code }) => code));
  store.update(owner, (w) => {
    w.set(families.trainedTimestamp, [model, version], need.trainedAtMs / 1000);
    for (const reason of SHOWN_REASONS) w.set(families.needed, [model, reason], Number(found.has(reason)));
    if (jobState !== null)
      for (const state of JOB_STATES) w.set(families.jobState, [model, state], Number(state === jobState));
    for (const outcome of JOB_OUTCOMES) w.set(families.jobs, [model, outcome], ended.get(outcome)?.length ?? 0);
    for (const [outcome, seconds] of ended) w.histogram(families.jobDuration, [model, outcome], durations(seconds));
    w.set(families.cooldownEnd, [model], need.cooldownEndMs / 1000);
  });
}

function durations(seconds: readonly number[]): HistogramTotals {
  return {
    upperBoundsSeconds: DURATION_BOUNDS_SECONDS,
    cumulative: DURATION_BOUNDS_SECONDS.map((bound) => seconds.filter((one) => one <= bound).length),
    count: seconds.length,
    sumSeconds: seconds.reduce((sum, one) => sum + one, 0),
  };
}
