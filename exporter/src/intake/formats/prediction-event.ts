import type { RawPrediction } from '../../domain/prediction.ts';
import type { RowError } from '../../domain/row-error.ts';
import { isObject } from './parse-json.ts';

const KEYS: ReadonlySet<string> = new Set([
  'model',
  'version',
  'prediction_id',
  'timestamp',
  'features',
  'prediction',
  'score',
  'scores',
  'latency_ms',
  'error',
  'segment',
]);
const NO_KEYS: readonly string[] = [];

/** One event as an object of the contract's keys. */
export function toPrediction(event: unknown, index: number): RawPrediction | RowError {
  if (!isObject(event)) return { index, pointer: '', detail: 'a prediction must be an object' };
  return {
    index,
    model: event.model,
    version: event.version,
    predictionId: event.prediction_id,
    timestamp: event.timestamp,
    features: { kind: 'object', value: event.features },
    prediction: event.prediction,
    score: event.score,
    scores: event.scores,
    latencyMs: event.latency_ms,
    error: event.error,
    segment: event.segment,
    unknownKeys: unknownKeys(event, KEYS),
  };
}

export function unknownKeys(event: Readonly<Record<string, unknown>>, known: ReadonlySet<string>): readonly string[] {
  let unknown: string[] | null = null;
  for (const key in event) if (!known.has(key)) (unknown ??= []).push(key);
  return unknown ?? NO_KEYS;
}
