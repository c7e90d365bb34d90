import { parentPort, workerData } from 'node:worker_threads';
import { predictBoostedTrees, trainBoostedTrees } from '../../src/retraining/trainers/gradient-boosting.ts';

export interface TrainingJob {
  readonly columns: readonly Float64Array[];
  /** 1: late. */
  readonly target: Float64Array;
  /** Rows to score with the trained model. */
  readonly score: readonly Float64Array[];
}

export type TrainingMessage =
  { readonly kind: 'progress'; readonly share: number } | { readonly kind: 'scores'; readonly scores: Float64Array };

const { columns, target, score } = workerData as TrainingJob;
const model = trainBoostedTrees(columns, target, {
  objective: 'binary',
  rounds: 40,
  depth: 5,
  learningRate: 0.2,
  bins: 63,
  onRound: (done, rounds) => say({ kind: 'progress', share: done / rounds }),
});
say({ kind: 'scores', scores: predictBoostedTrees(model, score)[0]! });

function say(message: TrainingMessage): void {
  parentPort!.postMessage(message);
}
