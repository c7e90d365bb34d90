import type { DecodedRows, RawGroundTruth, RawPrediction } from '../../domain/prediction.ts';
import type { KeyedHalf } from '../../domain/prediction-half.ts';
import type { RowError } from '../../domain/row-error.ts';
import { ServiceError } from '../../domain/service-error.ts';

/** What the address of a foreign format says that its events do not: `?model=&version=&features=a,b&classes=no,yes&output=score`. */
export interface ForeignOptions {
  readonly model: string | null;
  readonly version: string | null;
  /** Names of the columns, for formats that send values without names. */
  readonly features: readonly string[] | null;
  /** Names of the classes in the order of the model's scores. */
  readonly classes: readonly string[] | null;
  /** Whether a lonely number between 0 and 1 is the score of the positive class, and not the prediction itself. */
  readonly output: 'prediction' | 'score';
}

/** What the events of one request are. Indexes count them all, errors included. */
export interface ForeignEvents {
  readonly halves: readonly KeyedHalf[];
  readonly predictions: DecodedRows<RawPrediction>['rows'];
  readonly labels: DecodedRows<RawGroundTruth>['rows'];
  readonly errors: readonly RowError[];
}

export type EventHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export const NO_EVENTS: ForeignEvents = { halves: [], predictions: [], labels: [], errors: [] };

/** A header as text; null when it is absent or empty. */
export function headerOf(headers: EventHeaders, name: string): string | null {
  const value = headers[name];
  const text = typeof value === 'string' ? value : value?.[0];
  return text === undefined || text === '' ? null : text;
}

/** A header without which the event means nothing. Throws ServiceError invalid. */
export function requiredHeader(headers: EventHeaders, name: string): string {
  const value = headerOf(headers, name);
  if (value === null) throw unreadable(`the header ${name} is missing`);
  return value;
}

export function unreadable(detail: string): ServiceError {
  return new ServiceError('invalid', `The event cannot be read: ${detail}.`);
}

/** Several outcomes of reading as one. */
export function mergeEvents(parts: readonly ForeignEvents[]): ForeignEvents {
  return {
    halves: parts.flatMap(({ halves }) => halves),
    predictions: parts.flatMap(({ predictions }) => predictions),
    labels: parts.flatMap(({ labels }) => labels),
    errors: parts.flatMap(({ errors }) => errors),
  };
}
