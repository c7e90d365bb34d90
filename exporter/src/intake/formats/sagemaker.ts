import { parse } from 'csv-parse/sync';
import type { RawGroundTruth, RawPrediction } from '../../domain/prediction.ts';
import type { RowOutcome, TabularRows } from '../../domain/prediction-half.ts';
import type { RowError } from '../../domain/row-error.ts';
import { mergeEvents, NO_EVENTS } from './foreign-events.ts';
import type { ForeignEvents, ForeignOptions } from './foreign-events.ts';
import { decodeNdjson } from './ndjson.ts';
import { isObject } from './parse-json.ts';
import { outcomeOf } from './row-outcome.ts';
import { tabularRows } from './tabular-rows.ts';
import { tensorOutcomes, tensorRows } from './v2-tensors.ts';

interface Events {
  readonly events: ForeignEvents;
}

/**
 * Lines of SageMaker's data capture (`captureData`, request and response in one) and of its ground truth (`groundTruthData`), in any
 * mixture. Neither names the endpoint, so the address must: `?model=`. A record's id is `inferenceId` where the caller gave one, else
 * `eventId`; of several rows under one id they are `<id>_<i>`. A line that cannot be read is an error of its own.
 */
export function decodeSageMaker(body: Buffer, options: ForeignOptions): ForeignEvents {
  const { model } = options;
  const { rows, errors } = decodeNdjson<Events>(body, (value, index) =>
    model === null
      ? { index, pointer: '', detail: 'SageMaker does not say which model: say ?model= in the address' }
      : toEvents(value, index, model, options),
  );
  return mergeEvents([...rows.map(({ events }) => events), { ...NO_EVENTS, errors }]);
}

function toEvents(line: unknown, index: number, model: string, options: ForeignOptions): Events | RowError {
  const fail = (pointer: string, detail: string): RowError => ({ index, pointer, detail });
  if (!isObject(line) || !isObject(line.eventMetadata)) return fail('/eventMetadata', 'eventMetadata is missing');
  const { eventId, inferenceId, inferenceTime } = line.eventMetadata;
  const id = typeof inferenceId === 'string' && inferenceId !== '' ? inferenceId : eventId;
  if (typeof id !== 'string' || id === '') return fail('/eventMetadata/eventId', 'eventId is missing');
  const idOf = (i: number, count: number) => (count === 1 ? id : `${id}_${i}`);
  if (isObject(line.groundTruthData)) {
    const truth = payloadOf(line.groundTruthData);
    if (truth === null) return fail('/groundTruthData', 'the data cannot be read by their encoding');
    const values = outcomesOf(truth, 0, { ...options, output: 'prediction' });
    const labels = values.map(({ prediction }, i): RawGroundTruth => ({
      index,
      model,
      predictionId: idOf(i, values.length),
      label: prediction,
      timestamp: undefined,
      unknownKeys: [],
    }));
    return { events: { ...NO_EVENTS, labels } };
  }
  const { captureData: capture } = line;
  if (!isObject(capture) || !isObject(capture.endpointInput))
    return fail('/captureData/endpointInput', 'a line has captureData with endpointInput, or groundTruthData');
  const input = payloadOf(capture.endpointInput);
  const output = isObject(capture.endpointOutput) ? payloadOf(capture.endpointOutput) : undefined;
  if (input === null || output === null) return fail('/captureData', 'the data cannot be read by their encoding');
  const inputs = inputsOf(input, options);
  const outcomes = output === undefined ? [] : outcomesOf(output, inputs.rows.length, options);
  const count = Math.max(inputs.rows.length, outcomes.length);
  const predictions = Array.from({ length: count }, (_, i): RawPrediction => ({
    index,
    model,
    version: options.version ?? undefined,
    predictionId: idOf(i, count),
    timestamp: inferenceTime,
    features:
      inputs.names === null
        ? { kind: 'object', value: inputs.rows[i] }
        : { kind: 'row', names: inputs.names, values: inputs.rows[i] },
    prediction: outcomes[i]?.prediction,
    score: outcomes[i]?.score,
    scores: outcomes[i]?.scores,
    latencyMs: undefined,
    error: outcomes[i] === undefined ? 'no_prediction' : undefined,
    segment: undefined,
    unknownKeys: [],
  }));
  return { events: { ...NO_EVENTS, predictions } };
}

/** Rows of a CSV, or a JSON value; null when it is neither. */
type Payload = { readonly csv: readonly (readonly unknown[])[] } | { readonly json: unknown } | null;

function payloadOf({ data, encoding, observedContentType }: Readonly<Record<string, unknown>>): Payload {
  if (typeof data !== 'string') return null;
  const text = encoding === 'BASE64' ? Buffer.from(data, 'base64').toString('utf8') : data;
  const isCsv = encoding === 'CSV' || (encoding === 'BASE64' && /csv/i.test(String(observedContentType)));
  try {
    if (!isCsv) return { json: JSON.parse(text) as unknown };
    const rows: string[][] = parse(text, { relax_column_count: true, skip_empty_lines: true, trim: true });
    return { csv: rows.map((row) => row.map(cell)) };
  } catch {
    return null;
  }
}

/** CSV has no types: what looks like a number is one. */
function cell(text: string): unknown {
  if (text === '') return null;
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

function inputsOf(payload: Exclude<Payload, null>, { features }: ForeignOptions): TabularRows {
  if ('csv' in payload) return tabularRows(payload.csv, features);
  const { json } = payload;
  if (isObject(json) && Array.isArray(json.inputs) && json.inputs.every(isObject))
    return tensorRows(json.inputs, features);
  const rows = isObject(json) ? (json.instances ?? json.inputs ?? json.data ?? [json]) : json;
  return tabularRows(Array.isArray(rows) ? rows : [rows], features);
}

/** @param rows of the input, 0 where they are not known: a line of so many values has one a row, and not one a class */
function outcomesOf(payload: Exclude<Payload, null>, rows: number, options: ForeignOptions): readonly RowOutcome[] {
  if ('csv' in payload) {
    const [first, ...others] = payload.csv;
    const spread = first !== undefined && others.length === 0 && rows > 1 && first.length === rows;
    return (spread ? first : payload.csv).map((value) => outcomeOf(value, options));
  }
  const { json } = payload;
  if (isObject(json) && Array.isArray(json.outputs)) return tensorOutcomes(json.outputs, options);
  const answers = isObject(json) ? (json.predictions ?? [json]) : json;
  return (Array.isArray(answers) ? answers : [answers]).map((value: unknown) => outcomeOf(value, options));
}
