/** The states of a job that goes well, in their order. */
export const SUCCESSFUL_WAY = [
  'queued',
  'preparing',
  'training',
  'validating',
  'awaiting_approval',
  'rolling_out',
  'monitoring',
  'succeeded',
] as const;

/** Where a job can be. The first seven are under way, the others are ends. */
export const JOB_STATES = [...SUCCESSFUL_WAY, 'rejected', 'failed', 'cancelled', 'rolled_back'] as const;
export type JobState = (typeof JOB_STATES)[number];

export const JOB_OUTCOMES = ['succeeded', 'rejected', 'failed', 'cancelled', 'rolled_back'] as const;
export type JobOutcome = (typeof JOB_OUTCOMES)[number];

export function isOutcome(state: JobState): state is JobOutcome {
  return (JOB_OUTCOMES as readonly string[]).includes(state);
}

/** What can make a model due for retraining, or be suggested in its place. */
export const REASON_CODES = [
  'performance_drop',
  'calibration_gap',
  'error_rate',
  'days_since_training',
  'drift_detected',
  'baseline_refresh',
  'alert',
  'manual',
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

/** One finding that speaks for retraining, with the figures it rests on. */
export interface RetrainingReason {
  readonly code: ReasonCode;
  /** null where there is no figure. */
  readonly observed: number | null;
  readonly threshold: number | null;
  /** The window's length in seconds; null where there is none. */
  readonly windowSeconds: number | null;
  /** Rows it rests on. */
  readonly samples: number | null;
  /** In words, for people; '' when the code says it all. */
  readonly note: string;
}

/** `task_unknown`: no prediction or declaration has said yet what the model predicts. */
export type Blocker = 'disabled' | 'no_trainer' | 'task_unknown' | 'active_job' | 'cooldown' | 'min_new_data_points';

/** What GET /api/ml/retrain/:model/needed answers. */
export interface RetrainingNeed {
  readonly model: string;
  readonly needed: boolean;
  readonly reasons: readonly RetrainingReason[];
  /** What should be looked at, but starts no job. */
  readonly suggestions: readonly RetrainingReason[];
  /** Why a job would not start by itself now. */
  readonly blockedBy: readonly Blocker[];
  /** NaN: no cool-down has begun. */
  readonly cooldownEndMs: number;
  readonly trainedAtMs: number;
  /** Labelled predictions since the model was trained; counted only as far as they matter. */
  readonly newDataPoints: number;
}

/** The version in charge when a job was asked for, and what its job must compare with. */
export interface Champion {
  readonly version: string;
  /** Performance, calibration or errors were among the reasons: nearly anything else is better. */
  readonly degraded: boolean;
  /** Accuracy (regressions: mean absolute error) of its baseline; null where it has none. */
  readonly baselineFigure: number | null;
}

export type JobTrigger = 'manual' | 'schedule' | 'alert';

export interface JobRequest {
  readonly model: string;
  readonly trigger: JobTrigger;
  readonly requestedBy: string;
  readonly reasons: readonly RetrainingReason[];
  readonly champion: Champion;
  readonly shadow: boolean;
  /** The newest end of a job that was looked at: where another has ended since, the cool-down was not. NaN: none; Infinity: whatever. */
  readonly lastEndMs: number;
}

export interface JobError {
  readonly code: string;
  readonly message: string;
}

/** A snapshot of labelled rows: train and test for the trainer, the newest ones withheld for the gate. */
export interface DatasetFacts {
  readonly rows: number;
  readonly task: 'binary' | 'multiclass' | 'regression';
  readonly positiveClass: string | null;
  readonly classes: readonly string[];
  readonly features: readonly DatasetFeature[];
  readonly parts: Readonly<Record<'train' | 'test' | 'holdout', DataPart>>;
  /** Half-open, epoch milliseconds: train [from, trainEnd), test [trainEnd, testEnd), holdout [testEnd, to). */
  readonly fromMs: number;
  readonly trainEndMs: number;
  readonly testEndMs: number;
  readonly toMs: number;
  /** Share of the range's predictions that have ground truth, 0..1. */
  readonly labelCoverage: number;
  readonly warnings: readonly string[];
}

export interface DatasetFeature {
  readonly name: string;
  readonly kind: 'numeric' | 'categorical';
  /** Share of rows without a value, 0..1. */
  readonly missing: number;
}

export interface DataPart {
  readonly rows: number;
  readonly bytes: number;
  /** Of the gzip, hexadecimal. */
  readonly sha256: string;
}

export interface Candidate {
  readonly version: string;
  /** Where the artefact lies; '' when the trainer does not say. */
  readonly uri: string;
  readonly sha256: string | null;
  readonly framework: string | null;
}

export interface TrainingResult {
  readonly candidate: Candidate;
  /** What the trainer says of its own model. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** The step that is not idempotent: written down before it is done. */
export interface DispatchFacts {
  readonly attempt: number;
  readonly externalId: string;
  readonly accepted: boolean;
  readonly deadlineMs: number;
  /** What the version that comes out is called, unless the trainer names it. */
  readonly candidateVersion: string;
}

export interface GateFacts {
  readonly verdict: 'approve' | 'reject' | 'inconclusive';
  readonly reasons: readonly string[];
  /** We have no predictions of the candidate: only what its trainer says. */
  readonly selfReported: boolean;
  readonly rows: number;
  readonly loss: LossName | null;
  readonly champion: GateFigures | null;
  readonly candidate: GateFigures | null;
  /** Mean of champion loss minus candidate loss on the same rows, with its 95 % interval: above 0 the candidate is better. */
  readonly improvement: { readonly mean: number; readonly lower: number; readonly upper: number } | null;
  /** Kolmogorov-Smirnov distance of the scores of both on the same rows; null without scores. */
  readonly scoreDistance: number | null;
}

export type LossName = 'log_loss' | 'zero_one' | 'absolute_error';

/** null where the task or the data do not define a figure. */
export interface GateFigures {
  readonly loss: number;
  readonly accuracy: number | null;
  readonly rocAuc: number | null;
  readonly logLoss: number | null;
  readonly brierScore: number | null;
  readonly calibrationGap: number | null;
  readonly meanAbsoluteError: number | null;
  readonly rootMeanSquaredError: number | null;
}

export interface ApprovalFacts {
  readonly verdict: 'approved' | 'rejected';
  readonly by: string;
  readonly note: string;
  readonly atMs: number;
}

export type StageVerdict = 'pass' | 'fail' | 'inconclusive';

export interface RolloutFacts {
  /** Index into the stages; the number of stages: promoted. */
  readonly stage: number;
  readonly percent: number;
  readonly shadow: boolean;
  /** Whether the deployer has done it; then since when. */
  readonly applied: boolean;
  readonly sinceMs: number;
  /** Since when there has been any stage. */
  readonly beganMs?: number;
  readonly history: readonly StageFinding[];
}

/** What was seen at a stage when it was last judged. */
export interface StageFinding {
  readonly stage: string;
  readonly verdict: StageVerdict | 'wait';
  readonly reasons: readonly string[];
  readonly champion: VersionTraffic;
  readonly candidate: VersionTraffic;
}

/** Predictions of one version since a moment. */
export interface VersionTraffic {
  readonly predictions: number;
  readonly errors: number;
  /** null without latencies. */
  readonly p95LatencyMs: number | null;
  readonly meanScore: number | null;
  readonly labelled: number;
  readonly meanLoss: number | null;
  readonly lossVariance: number | null;
}

export interface JobFacts {
  readonly dataset?: DatasetFacts;
  readonly dispatch?: DispatchFacts;
  readonly training?: TrainingResult;
  /** Tail of what the trainer wrote. */
  readonly output?: string;
  readonly holdoutDeadlineMs?: number;
  readonly gate?: GateFacts;
  readonly approval?: ApprovalFacts;
  readonly rollout?: RolloutFacts;
  readonly rollback?: { readonly reason: string };
  readonly error?: JobError;
  /** Failures of the step under way, since the last one that worked. */
  readonly failures?: number;
}

export interface Job {
  readonly id: string;
  readonly model: string;
  readonly modelId: number;
  readonly state: JobState;
  readonly trigger: JobTrigger;
  readonly requestedBy: string;
  readonly reasons: readonly RetrainingReason[];
  readonly champion: Champion;
  readonly shadow: boolean;
  readonly paused: boolean;
  readonly cancelledBy: string | null;
  /** Of training; 0 before the first. */
  readonly attempt: number;
  readonly facts: JobFacts;
  readonly createdAtMs: number;
  /** NaN while it is under way. */
  readonly finishedAtMs: number;
}

export interface JobEvent {
  readonly atMs: number;
  readonly kind: string;
  readonly from: JobState | null;
  readonly to: JobState | null;
  readonly actor: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** A job with what happened to it, in order of time. */
export interface ToldJob {
  readonly job: Job;
  readonly events: readonly JobEvent[];
}

export interface RegistryEntry {
  readonly version: string;
  readonly jobId: string;
  readonly uri: string;
  readonly sha256: string | null;
  readonly framework: string | null;
  readonly stage: RegistryStage;
  readonly metrics: Readonly<Record<string, number>>;
  readonly trainedAtMs: number;
  /** NaN: never. */
  readonly promotedAtMs: number;
}
export type RegistryStage = 'candidate' | 'champion' | 'retired' | 'rejected' | 'rolled_back';

/** Who gets the traffic, as GET /api/ml/models/:model/routing says it. */
export interface Routing {
  readonly champion: string;
  readonly candidate: {
    readonly version: string;
    readonly uri: string;
    readonly percent: number;
    readonly shadow: boolean;
  } | null;
}

/** The external name of one attempt, the same however often it is dispatched. */
export function externalId(jobId: string, attempt: number): string {
  return `mlh-${jobId}-${attempt}`;
}
