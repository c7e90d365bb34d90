import type { DatasetFacts, JobError, RetrainingReason, TrainingResult } from '../../domain/retraining.ts';
import type { TrainingHints } from '../../domain/retraining-settings.ts';

export type TrainerPart = 'train' | 'test' | 'holdout';

/** One attempt at one job, as a trainer sees it. */
export interface TrainingRequest {
  readonly jobId: string;
  readonly attempt: number;
  /** The same however often the attempt is dispatched. */
  readonly externalId: string;
  readonly model: string;
  readonly dataset: DatasetFacts;
  readonly reasons: readonly RetrainingReason[];
  readonly championVersion: string;
  readonly hints: TrainingHints;
  /** Suggested name of the version that comes out. */
  readonly candidateVersion: string;
  readonly deadlineMs: number;
  /** The gzip of a part of the snapshot. */
  readonly read: (part: TrainerPart) => AsyncIterable<Buffer>;
  readonly signal: AbortSignal;
}

export interface TrainerError extends JobError {
  readonly retryable: boolean;
}

/** What came of handing out, or of doing, the training. */
export type TrainingOutcome =
  | {
      readonly kind: 'completed';
      readonly result: TrainingResult;
      readonly artefact: Buffer | null;
      readonly output: string;
    }
  | { readonly kind: 'failed'; readonly error: TrainerError; readonly output: string }
  /** It goes on elsewhere, and its end will be told. */
  | { readonly kind: 'running' }
  | { readonly kind: 'busy'; readonly afterMs: number };

/** A prediction of the candidate for a row of the holdout. */
export interface HoldoutPrediction {
  readonly id: string;
  readonly prediction: string | number | null;
  /** Of the positive class. */
  readonly score: number | null;
  /** Of several classes: the probability of each. */
  readonly scores: Readonly<Record<string, number>> | null;
}

export type HoldoutOutcome =
  | { readonly kind: 'predicted'; readonly rows: readonly HoldoutPrediction[] }
  /** The trainer sends them by itself, within the time of the gate. */
  | { readonly kind: 'awaited' }
  | { readonly kind: 'none'; readonly reason: string };

export interface Trainer {
  /** SHA-256 of the token that it calls back with: stored before it is told, for it may call back before we know that it was. */
  readonly tokenHash?: (externalId: string) => Buffer;
  /** Called again for the same external id after a crash: must then look up what it did before it does it again. */
  readonly train: (request: TrainingRequest) => Promise<TrainingOutcome>;
  readonly predict: (request: TrainingRequest, result: TrainingResult) => Promise<HoldoutOutcome>;
}
