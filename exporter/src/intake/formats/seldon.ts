import type { PredictionHalf, RowOutcome, TabularRows } from '../../domain/prediction-half.ts';
import type { RawGroundTruth } from '../../domain/prediction.ts';
import { headerOf, NO_EVENTS, requiredHeader, unreadable } from './foreign-events.ts';
import type { EventHeaders, ForeignEvents, ForeignOptions } from './foreign-events.ts';
import { inputsOf, outcomesOf } from './kserve.ts';
import { isObject } from './parse-json.ts';
import { outcomeOf, outcomeOfClasses } from './row-outcome.ts';
import { tabularRows } from './tabular-rows.ts';
import { parseInference } from './v2-tensors.ts';

const PREFIX = 'io.seldon.serving';

/**
 * One event of the request logger of Seldon Core v1 (executor): CloudEvents 1.0 in binary mode. `ce-id` differs between request and
 * response; `ce-requestid` (the puid) joins them, and feedback, too. The protocols `tensorflow` and `v2` have the bodies of KServe's V1
 * and V2. Times are when events were sent, so no latency is known. Throws ServiceError invalid.
 */
export function decodeSeldon(headers: EventHeaders, body: Buffer, options: ForeignOptions): ForeignEvents {
  const type = requiredHeader(headers, 'ce-type');
  const requestId = requiredHeader(headers, 'ce-requestid');
  const model = options.model ?? requiredHeader(headers, 'ce-modelid');
  const deployment = headerOf(headers, 'ce-inferenceservicename') ?? '';
  const namespace = headerOf(headers, 'ce-namespace') ?? '';
  const endpoint = headerOf(headers, 'ce-endpoint') ?? 'default';
  const parsed = parseInference(body);
  if (type === `${PREFIX}.feedback`) return { ...NO_EVENTS, labels: labelsOf(parsed, model, requestId, options) };
  const common = { model, id: requestId, time: headerOf(headers, 'ce-time'), timed: false };
  const version = options.version ?? (endpoint === 'default' ? null : endpoint);
  let half: PredictionHalf;
  if (type === `${PREFIX}.inference.request`) {
    const segment = {
      ...(namespace === '' ? {} : { namespace }),
      ...(deployment === '' ? {} : { deployment }),
      endpoint,
    };
    const inputs = isObject(parsed.data) ? tableOf(parsed.data, options) : inputsOf(parsed, options);
    half = { ...common, side: 'request', version, segment, inputs };
  } else if (type === `${PREFIX}.inference.response`) {
    const outcomes = isObject(parsed.data) ? answersOf(parsed.data, options) : outcomesOf(parsed, options);
    half = { ...common, side: 'response', version, outcomes };
  } else throw unreadable(`ce-type must be ${PREFIX}.inference.request, .inference.response or ${PREFIX}.feedback`);
  return { ...NO_EVENTS, halves: [{ index: 0, key: `${namespace}/${deployment}/${model}/${requestId}`, half }] };
}

function tableOf(data: Readonly<Record<string, unknown>>, { features }: ForeignOptions): TabularRows {
  const { names, rows } = valuesOf(data);
  return tabularRows(rows, features ?? (names.length > 0 ? names : null));
}

function answersOf(data: Readonly<Record<string, unknown>>, options: ForeignOptions): readonly RowOutcome[] {
  const { names, rows } = valuesOf(data);
  return rows.map((row) =>
    Array.isArray(row) && names.length === row.length && row.length > 1
      ? outcomeOfClasses(row as readonly unknown[], names, options)
      : outcomeOf(row, options),
  );
}

/** Truth has the shape of an answer: a value a row, or one column a class of which the greatest is true. */
function labelsOf(
  feedback: Readonly<Record<string, unknown>>,
  model: string,
  requestId: string,
  options: ForeignOptions,
): readonly RawGroundTruth[] {
  const { truth } = feedback;
  // Feedback that only rewards a route has no truth: nothing is wrong with it, and nothing to be learnt.
  if (!isObject(truth) || !isObject(truth.data)) return [];
  const id = puidOf(feedback.response) ?? puidOf(feedback.request) ?? requestId;
  return answersOf(truth.data, { ...options, output: 'prediction' }).map(({ prediction }, index) => ({
    index,
    model,
    predictionId: `${id}_${index}`,
    label: prediction,
    timestamp: undefined,
    unknownKeys: [],
  }));
}

function puidOf(message: unknown): string | undefined {
  const puid = isObject(message) && isObject(message.meta) ? message.meta.puid : undefined;
  return typeof puid === 'string' && puid !== '' ? puid : undefined;
}

/** `ndarray` as rows, or `tensor` as values with a shape. */
function valuesOf(data: Readonly<Record<string, unknown>>): { names: readonly string[]; rows: readonly unknown[] } {
  const names = Array.isArray(data.names) ? data.names.filter((name) => typeof name === 'string') : [];
  if (Array.isArray(data.ndarray)) return { names, rows: data.ndarray as readonly unknown[] };
  const { tensor } = data;
  if (!isObject(tensor) || !Array.isArray(tensor.shape) || !Array.isArray(tensor.values))
    throw unreadable('data must have ndarray or tensor');
  const [count = 0, width = 1] = tensor.shape as readonly number[];
  const values = tensor.values as readonly unknown[];
  if (!Number.isSafeInteger(count) || count < 0 || count * width !== values.length || tensor.shape.length > 2)
    throw unreadable('the tensor has not the values of a table of its shape');
  const rows = Array.from({ length: count }, (_, i) => values.slice(i * width, (i + 1) * width));
  return { names: names.length === width ? names : [], rows };
}
