import type { DecodedRows, RawPrediction } from '../../domain/prediction.ts';
import type { RowError } from '../../domain/row-error.ts';
import { parseJson } from './parse-json.ts';
import { toPrediction } from './prediction-event.ts';

/** `application/json`: one event, or an array of them. Throws ServiceError invalid when the body is not JSON. */
export function decodeJsonEvents(body: Buffer): DecodedRows<RawPrediction> {
  const parsed = parseJson(body.toString('utf8'));
  return separate((Array.isArray(parsed) ? (parsed as readonly unknown[]) : [parsed]).map(toPrediction));
}

/** Rows on one side, errors on the other. */
export function separate<Row extends object>(items: readonly (Row | RowError)[]): DecodedRows<Row> {
  const rows: Row[] = [];
  const errors: RowError[] = [];
  for (const item of items) {
    if ('pointer' in item) errors.push(item);
    else rows.push(item);
  }
  return { rows, errors };
}
