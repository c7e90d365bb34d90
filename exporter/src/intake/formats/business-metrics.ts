import type { RawBusinessValue } from '../../domain/business-metric.ts';
import type { DecodedRows } from '../../domain/prediction.ts';
import type { RowError } from '../../domain/row-error.ts';
import { separate } from './json-events.ts';
import { isObject, parseJson } from './parse-json.ts';
import { unknownKeys } from './prediction-event.ts';

const KEYS: ReadonlySet<string> = new Set(['model', 'name', 'timestamp', 'value']);

/** `application/json`: one figure, or an array of them. */
export function decodeBusinessMetrics(body: Buffer): DecodedRows<RawBusinessValue> {
  const parsed = parseJson(body.toString('utf8'));
  return separate((Array.isArray(parsed) ? (parsed as readonly unknown[]) : [parsed]).map(toBusinessValue));
}

export function toBusinessValue(value: unknown, index: number): RawBusinessValue | RowError {
  if (!isObject(value))
    return { index, pointer: '', detail: 'a business metric must be an object with model, name, timestamp and value' };
  const { model, name, timestamp, value: figure } = value;
  return { index, model, name, timestamp, value: figure, unknownKeys: unknownKeys(value, KEYS) };
}
