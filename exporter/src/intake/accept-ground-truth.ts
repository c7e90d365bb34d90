import type { Clock } from '../domain/clock.ts';
import type { DecodedRows, RawGroundTruth } from '../domain/prediction.ts';
import type { RowError } from '../domain/row-error.ts';
import { ServiceError } from '../domain/service-error.ts';
import { writeIdKey } from './prediction-id.ts';
import { kindOf, MAX_NAME_LENGTH, pointerTo, readId, readName, readTime, textFault } from './read-values.ts';

export interface AcceptedLabel {
  readonly index: number;
  readonly model: string;
  /** 32 hexadecimal digits. */
  readonly idKey: string;
  /** Text of a class: text, booleans and whole numbers; null: a number with a fraction. */
  readonly className: string | null;
  /** NaN: not a number. */
  readonly value: number;
  readonly timeMs: number;
}

export interface AcceptedLabels {
  readonly labels: readonly AcceptedLabel[];
  readonly errors: readonly RowError[];
}

const FUTURE_TOLERANCE_MS = 5 * 60_000;

/** Validates labels. Their age does not matter (what they join decides), but a label from the future is a clock that is wrong. */
export function acceptGroundTruth(decoded: DecodedRows<RawGroundTruth>, clock: Clock, maxRows: number): AcceptedLabels {
  if (decoded.rows.length > maxRows)
    throw new ServiceError('invalid', `The request has ${decoded.rows.length} rows, at most ${maxRows} are allowed.`);
  const now = clock.now();
  const key = Buffer.alloc(16);
  const labels: AcceptedLabel[] = [];
  const errors: RowError[] = [...decoded.errors];
  for (const row of decoded.rows) {
    const accepted = readLabelRow(row, now, key);
    if ('detail' in accepted) errors.push({ index: row.index, ...accepted });
    else labels.push(accepted);
  }
  return { labels, errors: errors.sort((a, b) => a.index - b.index) };
}

function readLabelRow(
  row: RawGroundTruth,
  now: number,
  key: Buffer,
): AcceptedLabel | { readonly pointer: string; readonly detail: string } {
  if (row.unknownKeys.length > 0)
    return {
      pointer: pointerTo(row.unknownKeys[0]!),
      detail: 'unknown key; a label has model, prediction_id, label and timestamp',
    };
  const model = readName(row.model, 'model');
  if (!model.ok) return { pointer: '/model', detail: model.detail };
  const id = readId(row.predictionId);
  if (!id.ok) return { pointer: '/prediction_id', detail: id.detail };
  if (id.value === null)
    return { pointer: '/prediction_id', detail: 'prediction_id is required: a label joins its prediction by it' };
  const time = readTime(row.timestamp, 0, now + FUTURE_TOLERANCE_MS);
  if (!time.ok) return { pointer: '/timestamp', detail: time.detail };
  const label = readLabel(row.label);
  if ('detail' in label) return label;
  writeIdKey(id.value, key, 0);
  return {
    index: row.index,
    model: model.value,
    idKey: key.toString('hex'),
    ...label,
    timeMs: Number.isNaN(time.value) ? now : time.value,
  };
}

function readLabel(
  label: unknown,
): Pick<AcceptedLabel, 'className' | 'value'> | { readonly pointer: string; readonly detail: string } {
  const fail = (detail: string) => ({ pointer: '/label', detail });
  switch (typeof label) {
    case 'number':
      if (!Number.isFinite(label)) return fail('label is too large for a double');
      return { className: Number.isSafeInteger(label) ? String(label) : null, value: label };
    case 'boolean':
      return { className: String(label), value: NaN };
    case 'string': {
      if (label.length === 0 || label.length > MAX_NAME_LENGTH)
        return fail(`a label has 1 to ${MAX_NAME_LENGTH} characters`);
      const fault = textFault(label);
      return fault === null ? { className: label, value: NaN } : fail(`label ${fault}`);
    }
    default:
      return fail(`label must be a number, a string or a boolean, not ${kindOf(label)}`);
  }
}
