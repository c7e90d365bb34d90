import type { KeyedHalf, PredictionHalf, TabularRows } from '../../domain/prediction-half.ts';
import type { RowError } from '../../domain/row-error.ts';
import type { ForeignEvents, ForeignOptions } from './foreign-events.ts';
import { decodeNdjson } from './ndjson.ts';
import { isObject } from './parse-json.ts';
import { outcomeOf } from './row-outcome.ts';
import { tabularRows } from './tabular-rows.ts';

const INPUTS = 'azureml.inference.model_inputs';
const OUTPUTS = 'azureml.inference.model_outputs';
/** `/subscriptions/.../onlineEndpoints/<endpoint>/deployments/<deployment>` */
const SOURCE = /\/onlineEndpoints\/([^/]+)(?:\/deployments\/([^/]+))?/;

/**
 * Lines of the Azure ML model data collector (azureml-ai-monitoring 1.0): structured CloudEvents, one a line, inputs and outputs in
 * files of their own, joined by `correlationid`. The model is the endpoint and the version its deployment, both from `source`, unless
 * the address says otherwise. A line that cannot be read is an error of its own.
 */
export function decodeAzureMl(body: Buffer, options: ForeignOptions): ForeignEvents {
  const { rows, errors } = decodeNdjson(body, (value, index) => toHalf(value, index, options));
  return { halves: rows, predictions: [], labels: [], errors };
}

function toHalf(event: unknown, index: number, options: ForeignOptions): KeyedHalf | RowError {
  const fail = (pointer: string, detail: string): RowError => ({ index, pointer, detail });
  if (!isObject(event)) return fail('', 'a line must be a CloudEvent');
  const { type, correlationid: id, source, data } = event;
  if (typeof id !== 'string' || id === '') return fail('/correlationid', 'correlationid is missing');
  if (!Array.isArray(data)) return fail('/data', 'data must be a list of rows');
  const [, endpoint, deployment] = SOURCE.exec(typeof source === 'string' ? source : '') ?? [];
  const model = options.model ?? endpoint;
  if (model === undefined) return fail('/source', 'source names no endpoint: say ?model= in the address');
  const common = { model, version: options.version ?? deployment ?? null, id, time: event.time, timed: false };
  let half: PredictionHalf;
  if (type === INPUTS) half = { ...common, side: 'request', segment: null, inputs: inputsOf(data, options) };
  else if (type === OUTPUTS)
    half = { ...common, side: 'response', outcomes: data.map((row: unknown) => outcomeOf(row, options)) };
  else return fail('/type', `type must be ${INPUTS} or ${OUTPUTS}`);
  return { index, key: `${model}/${id}`, half };
}

function inputsOf(data: readonly unknown[], { features }: ForeignOptions): TabularRows {
  return tabularRows(data, features);
}
