/** When a model is due for retraining. A trigger of null is off. */
export interface RetrainingTriggers {
  readonly performanceDrop: number | null;
  readonly driftDetected: boolean;
  readonly daysSinceTraining: number | null;
  readonly minNewDataPoints: number;
  readonly errorRateThreshold: number | null;
  readonly calibrationGap: number | null;
}

/** What a trainer is given. Shares are of the labelled rows in order of time: train, then test, then the holdout of the gate. */
export interface TrainingDataSettings {
  /** How far back rows are taken from. */
  readonly windowMs: number;
  /** The newest so many. */
  readonly maxRows: number;
  readonly minRows: number;
  readonly testShare: number;
  readonly holdoutShare: number;
  /** Share of the predictions of the range that must have ground truth, 0..1. */
  readonly minLabelCoverage: number;
}

export type TrainerSettings =
  | { readonly type: 'none' }
  | { readonly type: 'embedded'; readonly deadlineMs: number }
  | { readonly type: 'command'; readonly command: readonly string[]; readonly deadlineMs: number }
  | {
      readonly type: 'webhook';
      readonly url: string;
      readonly secretFile: string;
      /** Base address at which the trainer reaches this exporter. */
      readonly callbackUrl: string;
      readonly heartbeatMs: number;
      readonly deadlineMs: number;
    };

export type DeployerSettings =
  | { readonly type: 'pull' }
  | { readonly type: 'webhook'; readonly url: string; readonly secretFile: string }
  | {
      readonly type: 'kserve';
      /** Of the Kubernetes API server. */
      readonly url: string;
      readonly namespace: string;
      readonly service: string;
      readonly tokenFile: string;
      readonly caFile: string | null;
    }
  | {
      readonly type: 'mlflow';
      readonly url: string;
      readonly registeredModel: string;
      readonly tokenFile: string | null;
    };

/** Hints for trainers; the embedded one takes them as they are. */
export interface TrainingHints {
  readonly seed: number;
  readonly cvFolds: number;
  readonly tuningBudget: number;
}

export interface GateSettings {
  /** Rows of the holdout below which there is no verdict. */
  readonly minRows: number;
  /** By so much of the champion's loss a candidate may be worse, at the unfavourable end of the interval, when the champion is degraded. */
  readonly tolerance: number;
  readonly minAccuracy: number | null;
  readonly minRocAuc: number | null;
  readonly maxLogLoss: number | null;
  readonly maxMeanAbsoluteError: number | null;
  /** Time that the trainer has for the predictions of the holdout. */
  readonly predictionsWithinMs: number;
}

export interface StageSettings {
  /** 0: shadow. */
  readonly percent: number;
  readonly minTimeMs: number;
  /** Of the candidate. */
  readonly minPredictions: number;
  readonly minLabels: number;
}

export interface RolloutSettings {
  readonly stages: readonly StageSettings[];
  /** After the promotion. */
  readonly soakMs: number;
  /** A stage that has come to no verdict after this time is rolled back. */
  readonly stageTimeoutMs: number;
  readonly approvalTimeoutMs: number;
  /** Candidate's p95 latency over the champion's. */
  readonly maxLatencyRatio: number;
  /** Candidate's error rate minus the champion's. */
  readonly maxErrorIncrease: number;
  /** Kolmogorov-Smirnov distance of the scores of both. */
  readonly maxScoreDrift: number;
}

export interface RetrainingSettings {
  readonly enabled: boolean;
  readonly checkIntervalMs: number;
  /** Of checks once a day or rarer: minutes after midnight in `timeZone`. */
  readonly checkAtMinutes: number;
  readonly timeZone: string;
  readonly triggers: RetrainingTriggers;
  /** What drift alone does: show a suggestion, or start a shadow job. */
  readonly onDrift: 'suggest' | 'shadow';
  /** From the end of a job, however it ended. */
  readonly cooldownMs: number;
  readonly approval: 'automatic' | 'manual';
  /** Whether a manual approval must come from another token than the one that asked for the job. */
  readonly approverMustDiffer: boolean;
  /** Hosts that trainers and deployers may be called at. */
  readonly allowedHosts: readonly string[];
  readonly allowPrivateAddresses: boolean;
  readonly data: TrainingDataSettings;
  readonly hints: TrainingHints;
  readonly trainer: TrainerSettings;
  readonly deployer: DeployerSettings;
  readonly gate: GateSettings;
  readonly rollout: RolloutSettings;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const TRAINER_DEADLINE_MS = 6 * HOUR_MS;
export const HEARTBEAT_MS = 5 * MINUTE_MS;
export const STAGE_DEFAULTS: Omit<StageSettings, 'percent'> = { minTimeMs: HOUR_MS, minPredictions: 500, minLabels: 0 };

export const DEFAULT_RETRAINING: RetrainingSettings = {
  enabled: false,
  checkIntervalMs: DAY_MS,
  checkAtMinutes: 120,
  timeZone: 'UTC',
  triggers: {
    performanceDrop: 0.05,
    driftDetected: true,
    daysSinceTraining: 30,
    minNewDataPoints: 1000,
    errorRateThreshold: 0.1,
    calibrationGap: 0.05,
  },
  onDrift: 'suggest',
  cooldownMs: DAY_MS,
  approval: 'manual',
  approverMustDiffer: false,
  allowedHosts: [],
  allowPrivateAddresses: false,
  data: {
    windowMs: 90 * DAY_MS,
    maxRows: 200_000,
    minRows: 1000,
    testShare: 0.1,
    holdoutShare: 0.2,
    minLabelCoverage: 0,
  },
  hints: { seed: 42, cvFolds: 5, tuningBudget: 10 },
  trainer: { type: 'none' },
  deployer: { type: 'pull' },
  gate: {
    minRows: 500,
    tolerance: 0.02,
    minAccuracy: null,
    minRocAuc: null,
    maxLogLoss: null,
    maxMeanAbsoluteError: null,
    predictionsWithinMs: 15 * MINUTE_MS,
  },
  rollout: {
    stages: [5, 25, 50, 100].map((percent) => ({ percent, ...STAGE_DEFAULTS })),
    soakMs: DAY_MS,
    stageTimeoutMs: DAY_MS,
    approvalTimeoutMs: 7 * DAY_MS,
    maxLatencyRatio: 1.5,
    maxErrorIncrease: 0.01,
    maxScoreDrift: 0.5,
  },
};
