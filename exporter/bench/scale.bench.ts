// What many models cost an evaluating exporter, without the database: N models of F features, a day of 100 predictions an hour each.
// Memory (resident, statistics and reports; with and without the exposition of `worst:5` features), a sweep that evaluates every model,
// a scrape, the start (reading back a day of time buckets), and intake of rows in random model order against rows of one model.
// Targets at 10,000 models x 20 features: 2.5 GB, 2 s of CPU a sweep, 1.5 times the intake cost of one model. Each size is measured in a
// process of its own: BENCH_SIZES=10x20,10000x20 chooses.
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { DEFAULT_SETTINGS } from '../src/domain/settings.ts';
import { ModelHealth } from '../src/evaluation/model-health.ts';
import { StatisticsMemory } from '../src/evaluation/statistics-memory.ts';
import { STORE_FAMILIES } from '../src/exposition/families.ts';
import { publishModel } from '../src/exposition/publish-model.ts';
import { SeriesStore } from '../src/exposition/series-store.ts';
import { textFormat } from '../src/exposition/text-format.ts';
import { binBatch } from '../src/histogram/bin-batch.ts';
import { buildNumericBins, parseNumericBins, serialiseNumericBins } from '../src/histogram/bin-scheme.ts';
import { decodeBucket, emptyBucket, encodeBucket } from '../src/histogram/bucket-codec.ts';
import { countBatch } from '../src/histogram/count-rows.ts';
import { encodePredictionDelta } from '../src/histogram/delta-codec.ts';
import { FIRST_FEATURE_COLUMN } from '../src/histogram/model-columns.ts';
import type { FeatureColumn } from '../src/histogram/model-columns.ts';
import type { ModelTarget } from '../src/histogram/model-target.ts';
import type { PredictionBatch } from '../src/histogram/prediction-batch.ts';
import { HOUR_MS, MINUTE_MS } from '../src/histogram/time-bucket.ts';

const SIZES = process.env.BENCH_SIZES ?? '10x20,100x20,1000x20,10000x20,100x10,100x100,100x500';
const HOURS = 24;
const EVENTS_AN_HOUR = 100;
const TEMPLATES = 50;
const BASELINE_ROWS = 1_000;
const NOW = Date.UTC(2026, 10, 24, 12, 30);

let seed = 7;
function uniform(): number {
  seed = (Math.imul(1664525, seed) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

function makeTarget(id: number, features: number, like: ModelTarget | null): ModelTarget {
  const columns: FeatureColumn[] = Array.from({ length: features }, (_, i) => ({
    name: `feature_${i}`,
    kind: 'numeric',
    position: i,
    column: FIRST_FEATURE_COLUMN + i,
  }));
  const bins = () => {
    const values = Float64Array.from({ length: BASELINE_ROWS }, () => uniform() * 100);
    return buildNumericBins(values);
  };
  const own = (of: ReturnType<typeof bins>) => parseNumericBins(serialiseNumericBins(of));
  const scheme =
    like === null
      ? { id, score: bins(), features: columns.map(bins), outlierFences: columns.map(() => null) }
      : {
          id,
          score: own(like.scheme.score),
          features: like.scheme.features.map((of) => own(of as ReturnType<typeof bins>)),
          outlierFences: like.scheme.outlierFences,
        };
  return {
    modelId: id,
    versionId: id,
    model: `model_${id}`,
    version: '1',
    task: 'binary',
    classCodes: new Map([
      ['no', 0],
      ['yes', 1],
    ]),
    positiveClass: 1,
    errorCodes: new Map([['timeout', 1]]),
    featureSetId: id,
    features: columns,
    featureByName: new Map(columns.map((feature) => [feature.name, feature])),
    numericCount: features,
    categoricalCount: 0,
    scheme,
    countedFromMs: -Infinity,
    bucketMinutes: 60,
    segments: new Map(),
    rawSample: 1,
    declaredCategorical: new Set(),
  };
}

/** Rows of the given targets, one each, at times within [fromMs, fromMs + spanMs). */
function rowsOf(targets: readonly ModelTarget[], fromMs: number, spanMs: number): PredictionBatch {
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

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const residentMb = () => {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
};

async function measure(models: number, features: number): Promise<void> {
  const before = residentMb();
  const templates = Array.from({ length: Math.min(models, TEMPLATES) }, (_, i) => makeTarget(i + 1, features, null));
  const targets = Array.from({ length: models }, (_, i) =>
    i < TEMPLATES ? templates[i]! : makeTarget(i + 1, features, templates[i % TEMPLATES]!),
  );
  const settings = {
    ...DEFAULT_SETTINGS.defaults,
    exposition: { ...DEFAULT_SETTINGS.defaults.exposition, worstFeatures: 5 },
  };
  const memory = new StatisticsMemory({
    current: (versionId) => targets[versionId - 1],
    loadedScheme: (schemeId) => targets[schemeId - 1]?.scheme,
    settingsOf: () => settings,
    positiveClass: () => 1,
  });
  // A day of closed hours per template, and its baseline; every model has bytes and counts of its own.
  const days = templates.map((target) => ({
    hours: Array.from({ length: HOURS }, (_, hour) => {
      const startMs = Math.floor(NOW / HOUR_MS) * HOUR_MS - (hour + 1) * HOUR_MS;
      const bucket = emptyBucket(FIRST_FEATURE_COLUMN + features);
      const rows = rowsOf(new Array<ModelTarget>(EVENTS_AN_HOUR).fill(target), startMs, HOUR_MS);
      countBatch(bucket, binBatch(rows), null, startMs / MINUTE_MS);
      return { startMs, bytes: encodeBucket(bucket) };
    }),
    baseline: (() => {
      const bucket = emptyBucket(FIRST_FEATURE_COLUMN + features);
      countBatch(bucket, binBatch(rowsOf(new Array<ModelTarget>(BASELINE_ROWS).fill(target), 0, 1)), null, null);
      return encodeBucket(bucket);
    })(),
  }));
  const loadBegan = cpuMs();
  for (const [i, target] of targets.entries())
    for (const { startMs, bytes } of days[i % TEMPLATES]!.hours)
      memory.loadBucket(
        {
          versionId: target.versionId,
          schemeId: target.scheme.id,
          segmentId: 0,
          bucketStart: startMs / MINUTE_MS,
          bucketMinutes: 60,
        },
        Buffer.from(bytes),
      );
  const health = new ModelHealth(
    {
      versions: () =>
        targets.map((target) => ({
          target,
          baselineId: target.versionId,
          model: { classes: ['no', 'yes'], errorReasons: ['timeout'], segments: new Map(), settings },
        })),
      baseline: (id) =>
        Promise.resolve({
          kind: 'reference',
          madeAtMs: 0,
          counts: decodeBucket(days[(id - 1) % TEMPLATES]!.baseline),
          segments: new Map(),
        }),
      chunks: () => Promise.resolve([]),
      recounting: () => Promise.resolve(new Set()),
      longestWindowMs: () => HOURS * HOUR_MS,
      past: () => Promise.resolve([]),
      drifts: () => Promise.resolve([]),
    },
    memory,
  );
  const fail = (_id: number, error: unknown) => {
    throw error;
  };
  await health.evaluate(NOW, fail);
  const startMs = cpuMs() - loadBegan;

  const fresh = rowsOf(
    Array.from({ length: 5_000 }, () => targets[Math.floor(uniform() * models)]!),
    NOW - 5 * MINUTE_MS,
    5 * MINUTE_MS,
  );
  const oneModel = { ...fresh, targets: new Array<ModelTarget>(fresh.rows).fill(targets[0]!) };
  const intake = (rows: PredictionBatch): number => {
    let best = Infinity;
    for (let round = 0; round < 7; round++) {
      const began = performance.now();
      encodePredictionDelta([binBatch(rows)], [null]);
      best = Math.min(best, performance.now() - began);
    }
    return (best * 1_000) / rows.rows;
  };
  const mixed = intake(fresh);
  const single = intake(oneModel);

  // Half an hour into the day's newest bucket: every model has it open, as when predictions come all the time.
  let delta = 0;
  for (let done = 0; done < models; done += 2_500)
    for (let round = 0; round < 5; round++) {
      const some = targets.slice(done, done + 2_500);
      memory.apply({
        id: ++delta,
        recount: false,
        payload: encodePredictionDelta([binBatch(rowsOf(some, NOW - 30 * MINUTE_MS, 30 * MINUTE_MS))], [null]),
      });
    }
  const sweepBegan = cpuMs();
  const { evaluated } = await health.evaluate(NOW + MINUTE_MS, fail);
  const sweepMs = cpuMs() - sweepBegan;
  const withoutExposition = residentMb() - before;

  const series = new SeriesStore({ families: STORE_FAMILIES, seriesLimit: 10_000 });
  for (const { report, totals } of evaluated) publishModel(series, report, totals);
  const withExposition = residentMb() - before;
  const scrapeBegan = cpuMs();
  const bytes = series.render(textFormat).reduce((sum, section) => sum + section.bytes.length, 0);
  const scrapeMs = cpuMs() - scrapeBegan;
  const cells = [
    String(models),
    String(features),
    `${withoutExposition.toFixed(0)} MB`,
    `${withExposition.toFixed(0)} MB`,
    `${sweepMs.toFixed(0)} ms`,
    `${scrapeMs.toFixed(0)} ms`,
    `${(bytes / 2 ** 20).toFixed(1)} MB`,
    `${(startMs / 1_000).toFixed(2)} s`,
    `${mixed.toFixed(1)} us (${(mixed / single).toFixed(2)} of one model's)`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

const [size] = process.argv.slice(2);
if (size !== undefined) {
  const [models, features] = size.split('x').map(Number);
  await measure(models!, features!);
} else {
  console.log(
    '| models | features | memory | with exposition | sweep, CPU | scrape, CPU | its text | start, CPU | counting a row |',
  );
  console.log(`|${' --- |'.repeat(9)}`);
  for (const each of SIZES.split(','))
    spawnSync(process.execPath, ['--expose-gc', '--max-old-space-size=8192', fileURLToPath(import.meta.url), each], {
      stdio: 'inherit',
    });
}
