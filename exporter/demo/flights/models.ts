import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Flights } from './dataset.ts';
import { calendarFeatures, isLate, laggedFeatures, weekOf } from './features.ts';
import type { FeatureSet } from './features.ts';
import type { TrainingJob, TrainingMessage } from './train-worker.ts';

export const LAST_TRAINING_WEEK = 7;
/** Of the flights of the training weeks: every so many train the models, and others make the baseline. */
const TRAINING_STEP = 8;
const BASELINE_STEP = 32;

export interface TrainedModel {
  readonly features: FeatureSet;
  /** Probability of being late, by flight; NaN for flights that were not scored. */
  readonly scores: Float32Array;
}

export interface Trained {
  readonly models: readonly TrainedModel[];
  /** Flights of the training weeks that no model was trained on. */
  readonly baseline: readonly number[];
  /** Flights of the later weeks, every `sample`-th. */
  readonly replayed: readonly number[];
}

/**
 * Trains both models on weeks 0-7, each in a thread of its own, and scores what will be needed.
 *
 * @param packageFolder the exporter's; it must be built, for workers are loaded by Node itself
 * @param onProgress share, 0..1
 */
export async function trainModels(
  packageFolder: string,
  flights: Flights,
  sample: number,
  onProgress: (share: number) => void,
): Promise<Trained> {
  const training: number[] = [];
  const baseline: number[] = [];
  const replayed: number[] = [];
  let late = 0;
  for (let flight = 0; flight < flights.departureMs.length; flight++) {
    if (weekOf(flights, flight) > LAST_TRAINING_WEEK) {
      if (flight % sample === 0) replayed.push(flight);
    } else if (flight % TRAINING_STEP === 0) {
      training.push(flight);
      late += Number(isLate(flights, flight));
    } else if (flight % BASELINE_STEP === 1) baseline.push(flight);
  }
  const scored = [...baseline, ...replayed];
  const target = Float64Array.from(training, (flight) => Number(isLate(flights, flight)));
  const workerFile = path.join(packageFolder, 'dist', 'demo', 'flights', 'train-worker.js');
  const shares = [0, 0];
  const models = await Promise.all(
    [calendarFeatures(flights, training), laggedFeatures(flights, late / training.length)].map(async (features, m) => {
      const job = { columns: features.columns(training), target, score: features.columns(scored) };
      const scores = new Float32Array(flights.departureMs.length).fill(NaN);
      const found = await train(workerFile, job, (share) => {
        shares[m] = share;
        onProgress((shares[0]! + shares[1]!) / 2);
      });
      scored.forEach((flight, i) => (scores[flight] = found[i]!));
      return { features, scores };
    }),
  );
  return { models, baseline, replayed };
}

function train(workerFile: string, job: TrainingJob, onProgress: (share: number) => void): Promise<Float64Array> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerFile, { workerData: job });
    worker.on('message', (message: TrainingMessage) => {
      if (message.kind === 'progress') onProgress(message.share);
      else resolve(message.scores);
    });
    worker.once('error', reject);
  });
}
