import type { PredictionHalf } from '../../domain/prediction-half.ts';
import { headerOf, NO_EVENTS, requiredHeader, unreadable } from './foreign-events.ts';
import type { EventHeaders, ForeignEvents, ForeignOptions } from './foreign-events.ts';
import { outcomeOf } from './row-outcome.ts';
import { tabularRows } from './tabular-rows.ts';
import { parseInference, tensorOutcomes, tensorRows } from './v2-tensors.ts';

const REQUEST = 'org.kubeflow.serving.inference.request';
const RESPONSE = 'org.kubeflow.serving.inference.response';

/**
 * One event of the KServe inference logger (agent pkg/logger, 0.7 to 0.20): CloudEvents 1.0 in binary mode, the body as the model's
 * server got or gave it. Request and response share `ce-id`. `ce-recordedtime` (0.18) says that `ce-time` is when the request arrived
 * or the response left; before, it is when the event was sent, and no latency is known. A canary is a version of its own unless the
 * body names one. Throws ServiceError invalid.
 */
export function decodeKserve(headers: EventHeaders, body: Buffer, options: ForeignOptions): ForeignEvents {
  const type = requiredHeader(headers, 'ce-type');
  const id = requiredHeader(headers, 'ce-id');
  const service = requiredHeader(headers, 'ce-inferenceservicename');
  const namespace = headerOf(headers, 'ce-namespace') ?? '';
  const endpoint = headerOf(headers, 'ce-endpoint') ?? 'default';
  const parsed = parseInference(body);
  const common = {
    model: options.model ?? service,
    id,
    time: headerOf(headers, 'ce-time'),
    timed: headerOf(headers, 'ce-recordedtime') !== null,
  };
  const version = options.version ?? (endpoint === 'default' ? null : endpoint);
  let half: PredictionHalf;
  if (type === REQUEST) {
    const segment = { ...(namespace === '' ? {} : { namespace }), endpoint };
    half = { ...common, side: 'request', version, segment, inputs: inputsOf(parsed, options) };
  } else if (type === RESPONSE) {
    const named = options.version ?? (typeof parsed.model_version === 'string' ? parsed.model_version : null);
    half = { ...common, side: 'response', version: named, outcomes: outcomesOf(parsed, options) };
  } else throw unreadable(`ce-type must be ${REQUEST} or ${RESPONSE}`);
  return { ...NO_EVENTS, halves: [{ index: 0, key: `${namespace}/${service}/${endpoint}/${id}`, half }] };
}

/** Rows of a request to a V1 or V2 server. */
export function inputsOf(body: Readonly<Record<string, unknown>>, { features }: ForeignOptions) {
  if (Array.isArray(body.inputs)) return tensorRows(body.inputs, features);
  if (Array.isArray(body.instances)) return tabularRows(body.instances, features);
  throw unreadable('the body of a request has instances (V1) or inputs (V2)');
}

/** Answers of a V1 or V2 server, one a row. */
export function outcomesOf(body: Readonly<Record<string, unknown>>, options: ForeignOptions) {
  if (Array.isArray(body.outputs)) return tensorOutcomes(body.outputs, options);
  if (Array.isArray(body.predictions)) return body.predictions.map((value: unknown) => outcomeOf(value, options));
  throw unreadable('the body of a response has predictions (V1) or outputs (V2)');
}
