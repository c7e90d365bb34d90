import type { DecodedRows, RawGroundTruth } from '../../domain/prediction.ts';
import type { RowError } from '../../domain/row-error.ts';
import { separate } from './json-events.ts';
import { isObject, parseJson } from './parse-json.ts';
import { unknownKeys } from './prediction-event.ts';

const KEYS: ReadonlySet<string> = new Set(['model', 'prediction_id', 'label', 'timestamp']);

/** `application/json`: one label, or an array of them. */
export function decodeJsonLabels(body: Buffer): DecodedRows<RawGroundTruth> {
  const parsed = parseJson(body.toString('utf8'));
  return separate((Array.isArray(parsed) ? (parsed as readonly unknown[]) : [parsed]).map(toGroundTruth));
}

export function toGroundTruth(value: unknown, index: number): RawGroundTruth | RowError {
  if (!isObject(value))
    return { index, pointer: '', detail: 'a label must be an object with model, prediction_id and label' };
  return {
    index,
    model: value.model,
    predictionId: value.prediction_id,
    label: value.label,
    timestamp: value.timestamp,
    unknownKeys: unknownKeys(value, KEYS),
  };
}
