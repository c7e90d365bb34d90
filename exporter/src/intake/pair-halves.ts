import type { RawFeatures, RawPrediction } from '../domain/prediction.ts';
import type { HalfPair, RequestHalf, RowOutcome } from '../domain/prediction-half.ts';

/** Failure of a request whose response never came: the model failed, or the event was lost on its way. */
export const NO_RESPONSE = 'no_response';
/** Failure of a row of which the response says nothing, though it says something of others. */
export const NO_PREDICTION = 'no_prediction';

const NO_KEYS: readonly string[] = [];

/**
 * Predictions of pairs, in order of their rows; of a request alone, failures. A response alone makes none: it says nothing of what the
 * model was asked. Ids and times depend on the events alone, so the same pair made twice is stored once.
 */
export function pairHalves(pairs: readonly HalfPair[]): readonly RawPrediction[] {
  const rows: RawPrediction[] = [];
  // Requests of one sender name the same columns: intake looks them up once for each list of names.
  const lists = new Map<string, readonly string[]>();
  for (const pair of pairs) if (pair.request !== null) addRows(rows, pair, pair.request, lists);
  return rows;
}

function addRows(
  rows: RawPrediction[],
  { response, receivedAtMs }: HalfPair,
  request: RequestHalf,
  lists: Map<string, readonly string[]>,
): void {
  const { inputs } = request;
  const names = inputs.names === null ? null : shared(inputs.names, lists);
  const latencyMs = response?.timed === true && request.timed ? latencyOf(request.time, response.time) : undefined;
  // A model that was asked without rows of features (an image, a text) still answers.
  const count = Math.max(inputs.rows.length, response?.outcomes.length ?? 0);
  for (let i = 0; i < count; i++) {
    const outcome: RowOutcome | undefined = response?.outcomes[i];
    const features: RawFeatures =
      names === null ? { kind: 'object', value: inputs.rows[i] } : { kind: 'row', names, values: inputs.rows[i] };
    rows.push({
      index: rows.length,
      model: request.model,
      version: response?.version ?? request.version ?? undefined,
      predictionId: `${request.id}_${i}`,
      timestamp: request.time ?? receivedAtMs,
      features,
      prediction: outcome?.prediction,
      score: outcome?.score,
      scores: outcome?.scores,
      latencyMs,
      error: response === null ? NO_RESPONSE : outcome === undefined ? NO_PREDICTION : undefined,
      segment: request.segment,
      unknownKeys: NO_KEYS,
    });
  }
}

function shared(names: readonly string[], lists: Map<string, readonly string[]>): readonly string[] {
  const key = names.join('\0');
  const known = lists.get(key);
  if (known === undefined) lists.set(key, names);
  return known ?? names;
}

/** undefined where a clock went backwards. */
function latencyOf(from: unknown, to: unknown): number | undefined {
  const elapsed = millisecondsOf(to) - millisecondsOf(from);
  return elapsed >= 0 ? elapsed : undefined;
}

/** Date.parse drops what is below a millisecond, and models answer within a few of them. */
function millisecondsOf(time: unknown): number {
  if (typeof time === 'number') return time;
  if (typeof time !== 'string') return NaN;
  const beyond = /\.\d{3}(\d{1,6})/.exec(time)?.[1];
  return Date.parse(time) + (beyond === undefined ? 0 : Number(`0.${beyond}`));
}
