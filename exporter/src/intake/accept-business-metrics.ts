import type { BusinessValue, RawBusinessValue } from '../domain/business-metric.ts';
import type { Clock } from '../domain/clock.ts';
import type { DecodedRows } from '../domain/prediction.ts';
import type { RowError } from '../domain/row-error.ts';
import { ServiceError } from '../domain/service-error.ts';
import { pointerTo, readName, readNumber, readTime } from './read-values.ts';

const FUTURE_TOLERANCE_MS = 5 * 60_000;
/** Sums of squares of so large values still fit a double. */
const LARGEST = 1e100;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Validates business figures. They may be as old as the business; one from the future is a clock that is wrong. */
export function acceptBusinessMetrics(
  decoded: DecodedRows<RawBusinessValue>,
  clock: Clock,
  maxRows: number,
): { readonly values: readonly BusinessValue[]; readonly errors: readonly RowError[] } {
  if (decoded.rows.length > maxRows)
    throw new ServiceError('invalid', `The request has ${decoded.rows.length} rows, at most ${maxRows} are allowed.`);
  const now = clock.now();
  const values: BusinessValue[] = [];
  const errors: RowError[] = [...decoded.errors];
  for (const row of decoded.rows) {
    const accepted = readRow(row, now);
    if ('detail' in accepted) errors.push({ index: row.index, ...accepted });
    else values.push(accepted);
  }
  return { values, errors: errors.sort((a, b) => a.index - b.index) };
}

function readRow(row: RawBusinessValue, now: number): BusinessValue | Omit<RowError, 'index'> {
  if (row.unknownKeys.length > 0)
    return {
      pointer: pointerTo(row.unknownKeys[0]!),
      detail: 'unknown key; a business metric has model, name, timestamp and value',
    };
  const model = readName(row.model, 'model');
  if (!model.ok) return { pointer: '/model', detail: model.detail };
  const name = readName(row.name, 'name');
  if (!name.ok) return { pointer: '/name', detail: name.detail };
  const { timestamp } = row;
  const at = typeof timestamp === 'string' && DAY.test(timestamp) ? `${timestamp}T00:00:00Z` : timestamp;
  const time = readTime(at, 0, now + FUTURE_TOLERANCE_MS);
  if (!time.ok) return { pointer: '/timestamp', detail: time.detail };
  const value = readNumber(row.value, 'value', -LARGEST, LARGEST);
  if (!value.ok) return { pointer: '/value', detail: value.detail };
  if (Number.isNaN(value.value)) return { pointer: '/value', detail: 'value is required: a number' };
  return {
    index: row.index,
    model: model.value,
    name: name.value,
    atMs: Number.isNaN(time.value) ? now : time.value,
    value: value.value,
  };
}
