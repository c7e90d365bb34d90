import { randomUUID } from 'node:crypto';
import { buildNumericBins } from '../../src/histogram/bin-scheme.ts';
import type { NumericBins } from '../../src/histogram/bin-scheme.ts';
import type { ModelTarget } from '../../src/histogram/model-target.ts';
import type { PredictionBatch } from '../../src/histogram/prediction-batch.ts';
import { parseScheme, serialiseScheme } from '../../src/storage/scheme-payload.ts';
import { segmentIndex } from '../../src/storage/segment-dictionary.ts';
import { SharedDictionaries } from '../../src/storage/shared-dictionaries.ts';

export const BASELINE_ROWS = 1_000;
/** Tukey's fences of values that are uniform in 0..100: edges of the bins, as those of every baseline. */
const FENCES = [-125, 225] as const;

/** As the catalog has them. */
const shared = new SharedDictionaries();

let seed = 7;
export function uniform(): number {
  seed = (Math.imul(1664525, seed) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

function makeBins(): NumericBins {
  const values = Float64Array.from({ length: BASELINE_ROWS }, () => uniform() * 100);
  return buildNumericBins(values, { mustHaveEdges: FENCES });
}

/** A binary model of numeric features whose baseline is uniform in 0..100. `like`: with the edges of that one. */
export function makeTarget(id: number, features: number, like: ModelTarget | null): ModelTarget {
  const names = Array.from({ length: features }, (_, i) => `feature_${i}`);
  const made = like?.scheme ?? {
    score: makeBins(),
    features: names.map(makeBins),
    outlierFences: names.map(() => FENCES),
  };
  return {
    modelId: id,
    versionId: id,
    model: `model_${id}`,
    version: '1',
    task: 'binary',
    ...shared.features(names, names),
    classCodes: shared.codesOf(['no', 'yes'], 0),
    onlyConfigured: shared.setOf([]),
    positiveClass: 1,
    errorCodes: shared.codesOf(['timeout'], 1),
    featureSetId: id,
    // In memory of its own, as it is read from the database.
    scheme: parseScheme(id, serialiseScheme(made)),
    countedFromMs: -Infinity,
    bucketMinutes: 60,
    segments: segmentIndex([], new Map()),
    rawSample: 1,
    declaredCategorical: new Set(),
  };
}

/** Rows of the given targets, one each, at times within [fromMs, fromMs + spanMs). */
export function rowsOf(targets: readonly ModelTarget[], fromMs: number, spanMs: number): PredictionBatch {
  const rows = targets.length;
  const features = targets[0]!.features.length;
  return {
    rows,
    targets: [...targets],
    index: Int32Array.from({ length: rows }, (_, i) => i),
    timeMs: Float64Array.from({ length: rows }, () => Math.floor(fromMs + spanMs * uniform())),
    ids: Buffer.alloc(16 * rows),
    idTexts: targets.map(() => null),
    stamped: new Uint8Array(rows),
    predictions: new Float64Array(rows).fill(NaN),
    classes: targets.map(() => (uniform() < 0.5 ? 'yes' : 'no')),
    scores: Float64Array.from({ length: rows }, () => uniform() * 100),
    classScores: targets.map(() => null),
    latencyMs: Float32Array.from({ length: rows }, () => 5 + 10 * uniform()),
    errors: targets.map(() => (uniform() < 0.01 ? 'timeout' : null)),
    segments: targets.map(() => null),
    numbers: Float64Array.from({ length: rows * features }, () => uniform() * 100),
    numberAt: Int32Array.from({ length: rows + 1 }, (_, i) => i * features),
    texts: [],
    textAt: new Int32Array(rows + 1),
    invalid: targets.map(() => null),
  };
}

/** The same rows as a sender's JSON, about 530 B an event of 20 features. */
export function eventsOf(
  targets: readonly Pick<ModelTarget, 'model' | 'features'>[],
  fromMs: number,
  spanMs: number,
  makeId: () => string = randomUUID,
): Buffer {
  const events = targets.map(({ model, features }) => ({
    model,
    version: '1',
    prediction_id: makeId(),
    timestamp: new Date(fromMs + spanMs * uniform()).toISOString(),
    features: Object.fromEntries(features.map(({ name }) => [name, Math.round(uniform() * 1e4) / 100])),
    prediction: uniform() < 0.5 ? 'yes' : 'no',
    score: Math.round(uniform() * 1e4) / 1e4,
    latency_ms: Math.round(500 + 1_000 * uniform()) / 100,
  }));
  return Buffer.from(JSON.stringify(events));
}
