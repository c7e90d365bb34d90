import type { Clock } from '../domain/clock.ts';
import type { DecodedRows, RawPrediction } from '../domain/prediction.ts';
import type { RowError } from '../domain/row-error.ts';
import { ServiceError } from '../domain/service-error.ts';
import type { FeatureKind } from '../histogram/model-columns.ts';
import type { ModelTarget, TargetWant } from '../histogram/model-target.ts';
import { missingSegments } from '../histogram/segments.ts';
import type { PredictionBatch } from '../histogram/prediction-batch.ts';
import { BatchBuilder } from './batch-builder.ts';
import type { Envelope } from './envelope.ts';
import { makeId } from './prediction-id.ts';
import {
  pointerTo,
  readError,
  readId,
  readName,
  readNumber,
  readSegment,
  readTime,
  readVersion,
} from './read-values.ts';
import { TargetWants, wantKey } from './target-wants.ts';

/** The models as far as intake needs them; storage/catalog is one. */
export interface TargetCatalog {
  find(model: string, version: string): ModelTarget | undefined;
  /** Registers what is missing; rejects with ServiceError invalid when a limit forbids it. */
  ensure(wants: readonly TargetWant[]): Promise<void>;
  /** The declared type of a feature, if any. */
  declaredKind(model: string, feature: string): FeatureKind | undefined;
  /** Keys of `segment` that are counted apart. */
  segmentKeys(model: string): readonly string[];
}

export interface AcceptOptions {
  readonly catalog: TargetCatalog;
  readonly clock: Clock;
  /** Rows older than this are refused. */
  readonly retentionMs: number;
  readonly maxRows: number;
  readonly maxFeatures: number;
}

export interface AcceptedPredictions {
  readonly batch: PredictionBatch;
  readonly errors: readonly RowError[];
  /** Made for rows that came without an id, in order of the rows. */
  readonly madeIds: readonly string[];
}

const FUTURE_TOLERANCE_MS = 5 * 60_000;
/** The largest float32: rows and statistics keep latencies as such, and one beyond would make their sum infinite for good. */
const MAX_LATENCY_MS = 3.4028234663852886e38;

/**
 * Validates the rows of one request and lays them out in columns. A row that is wrong becomes an error and leaves its neighbours
 * alone; a feature value of the wrong type is stored as missing and counted as a type error. Unknown models, versions, features,
 * classes and error reasons are registered on the way, at most once a request.
 */
export async function acceptPredictions(
  decoded: DecodedRows<RawPrediction>,
  options: AcceptOptions,
): Promise<AcceptedPredictions> {
  if (decoded.rows.length > options.maxRows)
    throw new ServiceError(
      'invalid',
      `The request has ${decoded.rows.length} rows, at most ${options.maxRows} are allowed.`,
    );
  const now = options.clock.now();
  const errors: RowError[] = [...decoded.errors];
  const builder = new BatchBuilder(decoded.rows.length);
  const made = new Map<number, string>();
  const wants = new TargetWants(options.catalog, options.maxFeatures);
  const deferred: Envelope[] = [];
  for (const row of decoded.rows) {
    const envelope = readEnvelope(row, now, options.retentionMs, errors, made);
    if (envelope === null) continue;
    const target = options.catalog.find(envelope.model, envelope.version);
    if (target === undefined || wants.missing(envelope, target)) {
      const problem = wants.note(envelope, target);
      if (problem === null) deferred.push(envelope);
      else errors.push({ index: row.index, ...problem });
    } else pushProblem(errors, row.index, builder.add(envelope, target));
  }
  if (deferred.length > 0) await addDeferred(deferred, wants, builder, errors, options.catalog);
  errors.sort((a, b) => a.index - b.index);
  return { batch: builder.build(), errors, madeIds: madeFor(made, errors) };
}

async function addDeferred(
  deferred: readonly Envelope[],
  wants: TargetWants,
  builder: BatchBuilder,
  errors: RowError[],
  catalog: TargetCatalog,
): Promise<void> {
  const refused = await registerAll(wants.list(), catalog);
  await registerSegments(deferred, catalog);
  for (const envelope of deferred) {
    const target = catalog.find(envelope.model, envelope.version);
    const refusal = refused.get(wantKey(envelope));
    if (target === undefined || refusal !== undefined)
      errors.push({
        index: envelope.row.index,
        pointer: '/model',
        detail: refusal ?? 'the model was deleted meanwhile',
      });
    else pushProblem(errors, envelope.row.index, builder.add(envelope, target));
  }
}

/** A version that was registered just now may count by keys that were not configured when its rows were looked at. */
async function registerSegments(deferred: readonly Envelope[], catalog: TargetCatalog): Promise<void> {
  const wants = new TargetWants(catalog, Infinity);
  for (const envelope of deferred) {
    const target = catalog.find(envelope.model, envelope.version);
    if (target !== undefined && missingSegments(target.segments, envelope.segment).length > 0)
      wants.note(envelope, target);
  }
  const list = wants.list();
  if (list.length > 0) await registerAll(list, catalog);
}

/** All at once; when a limit refuses that, one by one, so that one model's excess does not sink the others. */
async function registerAll(wants: readonly TargetWant[], catalog: TargetCatalog): Promise<ReadonlyMap<string, string>> {
  const refused = new Map<string, string>();
  try {
    await catalog.ensure(wants);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    for (const want of wants) {
      try {
        await catalog.ensure([want]);
      } catch (one) {
        if (!isRefusal(one)) throw one;
        refused.set(wantKey(want), one.message);
      }
    }
  }
  return refused;
}

function isRefusal(error: unknown): error is ServiceError {
  return error instanceof ServiceError && error.code === 'invalid';
}

function pushProblem(
  errors: RowError[],
  index: number,
  problem: { readonly pointer: string; readonly detail: string } | null,
): void {
  if (problem !== null) errors.push({ index, ...problem });
}

/** Ids of rows that were refused are of no use to anyone. */
function madeFor(made: ReadonlyMap<number, string>, errors: readonly RowError[]): string[] {
  const refused = new Set(errors.map((error) => error.index));
  return [...made]
    .filter(([index]) => !refused.has(index))
    .sort(([a], [b]) => a - b)
    .map(([, id]) => id);
}

/** Everything but the prediction, scores and features, which need the model; null when an error was added. */
function readEnvelope(
  row: RawPrediction,
  now: number,
  retentionMs: number,
  errors: RowError[],
  made: Map<number, string>,
): Envelope | null {
  const fail = (pointer: string, detail: string): null => {
    errors.push({ index: row.index, pointer, detail });
    return null;
  };
  if (row.unknownKeys.length > 0)
    return fail(pointerTo(row.unknownKeys[0]!), 'unknown key; see /docs/ml for the keys of a prediction');
  const model = readName(row.model, 'model');
  if (!model.ok) return fail('/model', model.detail);
  const version = readVersion(row.version);
  if (!version.ok) return fail('/version', version.detail);
  const id = readId(row.predictionId);
  if (!id.ok) return fail('/prediction_id', id.detail);
  const time = readTime(row.timestamp, now - retentionMs, now + FUTURE_TOLERANCE_MS);
  if (!time.ok) return fail('/timestamp', time.detail);
  const latency = readNumber(row.latencyMs, 'latency_ms', 0, MAX_LATENCY_MS);
  if (!latency.ok) return fail('/latency_ms', latency.detail);
  const error = readError(row.error);
  if (!error.ok) return fail('/error', error.detail);
  const segment = readSegment(row.segment);
  if (!segment.ok) return fail('/segment', segment.detail);
  const score = readNumber(row.score, 'score');
  if (!score.ok) return fail('/score', score.detail);
  let predictionId = id.value;
  if (predictionId === null) made.set(row.index, (predictionId = makeId()));
  return {
    row,
    model: model.value,
    version: version.value,
    id: predictionId,
    timeMs: Number.isNaN(time.value) ? now : time.value,
    stamped: id.value !== null && Number.isNaN(time.value),
    latencyMs: latency.value,
    error: error.value,
    segment: segment.value,
    score: score.value,
  };
}
