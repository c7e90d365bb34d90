import type { DecodedRows, RawPrediction } from '../../domain/prediction.ts';
import type { RowError } from '../../domain/row-error.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { pointerTo } from '../read-values.ts';
import { separate } from './json-events.ts';
import { isObject, parseJson } from './parse-json.ts';
import { unknownKeys } from './prediction-event.ts';

const HEADER_KEYS: ReadonlySet<string> = new Set(['model', 'version', 'columns', 'rows']);
/** id, time, prediction, score, latency in ms, features by column; and scores by class, error, segment where a row has them. */
const ROW_KEYS: ReadonlySet<string> = new Set(['id', 't', 'p', 's', 'l', 'x', 'ss', 'e', 'g']);

/**
 * `application/vnd.modelhealth.rows+json`, the fast path: model, version and feature names once, then rows of short keys:
 * `{"model","version","columns":["age"],"rows":[{"id":"7","t":1764000000000,"p":"1","s":0.8,"l":12.5,"x":[34]}]}`.
 */
export function decodeRowsUnderHeader(body: Buffer): DecodedRows<RawPrediction> {
  const parsed = parseJson(body.toString('utf8'));
  if (!isObject(parsed)) throw invalid('', 'the body must be an object with model, columns and rows');
  const unknown = unknownKeys(parsed, HEADER_KEYS)[0];
  if (unknown !== undefined)
    throw invalid(pointerTo(unknown), 'unknown key; the header has model, version, columns and rows');
  const { model, version, columns = [], rows } = parsed;
  if (!Array.isArray(columns) || !columns.every((name): name is string => typeof name === 'string'))
    throw invalid('/columns', 'columns must be an array of feature names');
  if (new Set(columns).size !== columns.length) throw invalid('/columns', 'a feature name stands twice');
  if (!Array.isArray(rows)) throw invalid('/rows', 'rows must be an array');
  return separate((rows as readonly unknown[]).map((row, index) => toRow(row, index, model, version, columns)));
}

function toRow(
  row: unknown,
  index: number,
  model: unknown,
  version: unknown,
  names: readonly string[],
): RawPrediction | RowError {
  if (!isObject(row)) return { index, pointer: '', detail: 'a row must be an object' };
  return {
    index,
    model,
    version,
    predictionId: row.id,
    timestamp: row.t,
    features: { kind: 'row', names, values: row.x },
    prediction: row.p,
    score: row.s,
    scores: row.ss,
    latencyMs: row.l,
    error: row.e,
    segment: row.g,
    unknownKeys: unknownKeys(row, ROW_KEYS),
  };
}

function invalid(pointer: string, detail: string): ServiceError {
  return new ServiceError('invalid', `The body cannot be read: ${detail}.`, { fields: [{ pointer, detail }] });
}
