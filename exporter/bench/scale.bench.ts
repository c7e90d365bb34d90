// What many models cost an evaluating exporter, without the database: N models of F features, a day of 100 predictions an hour each.
// Memory (resident, statistics and reports; with and without the exposition of `worst:5` features), a sweep that evaluates every model
// (every minute, and once an hour when the windows move on by an hour), a gzipped scrape after all changed, the start (reading back a day of time buckets, and the
// first sweep), and intake of rows in random model order against rows of one model: decoded from JSON, validated, binned, and encoded
// for the database as rows and delta. Targets at 10,000 models x 20 features: 2.5 GB, 2 s of CPU a sweep, 1.5 times the intake cost of
// one model. Each size is measured in a process of its own: BENCH_SIZES=10x20,10000x20 chooses.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DEFAULT_SETTINGS } from '../src/domain/settings.ts';
import { ModelHealth } from '../src/evaluation/model-health.ts';
import { StatisticsMemory } from '../src/evaluation/statistics-memory.ts';
import { STORE_FAMILIES } from '../src/exposition/families.ts';
import { publishModel } from '../src/exposition/publish-model.ts';
import { spliceGzip } from '../src/exposition/gzip-splice.ts';
import { SeriesStore } from '../src/exposition/series-store.ts';
import { textFormat } from '../src/exposition/text-format.ts';
import { binBatch } from '../src/histogram/bin-batch.ts';
import { decodeBucket, emptyBucket, encodeBucket } from '../src/histogram/bucket-codec.ts';
import { countBatch } from '../src/histogram/count-rows.ts';
import { encodePredictionDelta } from '../src/histogram/delta-codec.ts';
import { FIRST_FEATURE_COLUMN } from '../src/histogram/model-columns.ts';
import type { ModelTarget } from '../src/histogram/model-target.ts';
import { HOUR_MS, MINUTE_MS } from '../src/histogram/time-bucket.ts';
import { acceptPredictions } from '../src/intake/accept-predictions.ts';
import { decodeJsonEvents } from '../src/intake/formats/json-events.ts';
import { encodePredictions } from '../src/storage/prediction-rows.ts';
import { BASELINE_ROWS, eventsOf, makeTarget, rowsOf, uniform } from './support/many-models.ts';

const SIZES = process.env.BENCH_SIZES ?? '10x20,100x20,1000x20,10000x20,100x10,100x100,100x500';
const HOURS = 24;
const EVENTS_AN_HOUR = 100;
/** Models beyond these have the edges and the hours of one of them, in memory of their own. */
const TEMPLATES = 50;
const NOW = Date.UTC(2026, 10, 24, 12, 30);
const INTAKE_ROWS = 1_000;
const INTAKE_ROUNDS = 25;
const SWEEPS = 5;

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const residentMb = () => {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
};
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >>> 1]!;

/** @param startMs null: a baseline */
function countRows(target: ModelTarget, rows: number, startMs: number | null): Buffer {
  const bucket = emptyBucket(FIRST_FEATURE_COLUMN + target.features.length);
  const batch = rowsOf(new Array<ModelTarget>(rows).fill(target), startMs ?? 0, HOUR_MS);
  countBatch(bucket, binBatch(batch), null, startMs === null ? null : startMs / MINUTE_MS);
  return encodeBucket(bucket);
}

/**
 * CPU of one row, in microseconds, from the bytes of its request to those for the database: of rows as each of `picks` chooses their
 * models, in rounds that alternate.
 */
async function intakeUs(targets: readonly ModelTarget[], picks: readonly (() => ModelTarget)[]): Promise<number[]> {
  const byName = new Map(targets.map((target) => [target.model, target]));
  const options = {
    catalog: {
      find: (model: string) => byName.get(model),
      ensure: () => Promise.reject(new Error('nothing is new')),
      declaredKind: () => undefined,
      segmentKeys: () => [],
    },
    clock: { now: () => NOW },
    retentionMs: 24 * HOUR_MS,
    maxRows: INTAKE_ROWS,
    maxFeatures: 1_000,
  };
  const rounds = picks.map((): number[] => []);
  for (let round = 0; round < INTAKE_ROUNDS; round++)
    for (const [i, pick] of picks.entries()) {
      const body = eventsOf(Array.from({ length: INTAKE_ROWS }, pick), NOW - 5 * MINUTE_MS, 5 * MINUTE_MS);
      const began = cpuMs();
      const { batch } = await acceptPredictions(decodeJsonEvents(body), options);
      const binned = binBatch(batch);
      encodePredictions(batch);
      encodePredictionDelta([binned], [null]);
      rounds[i]!.push(cpuMs() - began);
    }
  return rounds.map((of) => (median(of) * 1_000) / INTAKE_ROWS);
}

/** Half an hour into the newest hour, predictions coming to every model. */
function applyHalfAnHour(memory: StatisticsMemory, targets: readonly ModelTarget[]): void {
  let id = 0;
  for (let done = 0; done < targets.length; done += 2_500)
    for (let round = 0; round < EVENTS_AN_HOUR / 2; round++) {
      const rows = rowsOf(targets.slice(done, done + 2_500), NOW - 30 * MINUTE_MS, 30 * MINUTE_MS);
      memory.apply({ id: ++id, recount: false, payload: encodePredictionDelta([binBatch(rows)], [null]) });
    }
}

async function measure(models: number, features: number): Promise<void> {
  const templates = Array.from({ length: Math.min(models, TEMPLATES) }, (_, i) => makeTarget(i + 1, features, null));
  const targets = Array.from({ length: models }, (_, i) =>
    i < TEMPLATES ? templates[i]! : makeTarget(i + 1, features, templates[i % TEMPLATES]!),
  );
  const any = () => targets[Math.floor(uniform() * models)]!;
  // Until Node has compiled it.
  await intakeUs(targets, [any]);
  const [mixed = NaN, single = NaN] = await intakeUs(targets, [any, () => targets[0]!]);

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
  const newestHour = Math.floor(NOW / HOUR_MS) * HOUR_MS;
  const days = templates.map((target) => ({
    hours: Array.from({ length: HOURS }, (_, hour) => {
      const startMs = newestHour - (hour + 1) * HOUR_MS;
      return { startMs, bytes: countRows(target, EVENTS_AN_HOUR, startMs) };
    }),
    baseline: countRows(target, BASELINE_ROWS, null),
  }));
  const loadBegan = cpuMs();
  for (const [i, { versionId, scheme }] of targets.entries())
    for (const { startMs, bytes } of days[i % TEMPLATES]!.hours)
      memory.loadBucket(
        { versionId, schemeId: scheme.id, segmentId: 0, bucketStart: startMs / MINUTE_MS, bucketMinutes: 60 },
        Buffer.from(bytes),
      );
  await memory.settle(NOW / MINUTE_MS, 0);
  const versions = targets.map((target) => ({
    target,
    baselineId: target.versionId,
    model: { classes: ['no', 'yes'], errorReasons: ['timeout'], segments: new Map(), settings },
  }));
  const health = new ModelHealth(
    {
      versions: () => versions,
      baseline: (id) =>
        Promise.resolve({
          kind: 'reference',
          madeAtMs: 0,
          counts: decodeBucket(days[(id - 1) % TEMPLATES]!.baseline),
          segments: new Map(),
          designEffects: [],
        }),
      chunks: () => Promise.resolve([]),
      recounting: () => Promise.resolve(new Set()),
      longestWindowMs: () => HOURS * HOUR_MS,
      past: () => Promise.resolve([]),
      drifts: () => Promise.resolve([]),
    },
    memory,
  );
  const sweep = async (nowMs: number) => {
    const began = cpuMs();
    const { evaluated } = await health.evaluate(nowMs, (_id, error) => {
      throw error;
    });
    return { evaluated, ms: cpuMs() - began };
  };
  await sweep(NOW - MINUTE_MS);
  const startMs = cpuMs() - loadBegan;

  applyHalfAnHour(memory, targets);
  const sweeps: number[] = [];
  for (let minute = 0; minute < SWEEPS; minute++) sweeps.push((await sweep(NOW + minute * MINUTE_MS)).ms);
  const withoutExposition = residentMb();
  const hourTurn = await sweep(newestHour + HOUR_MS);

  const series = new SeriesStore({ families: STORE_FAMILIES, seriesLimit: 10_000 });
  for (const { report, totals } of hourTurn.evaluated) publishModel(series, report, totals);
  const withExposition = residentMb();
  const scrapeBegan = cpuMs();
  const sections = series.render(textFormat);
  await spliceGzip(sections);
  const scrapeMs = cpuMs() - scrapeBegan;
  const bytes = sections.reduce((sum, { length }) => sum + length, 0);
  const cells = [
    String(models),
    String(features),
    `${withoutExposition.toFixed(0)} MB`,
    `${withExposition.toFixed(0)} MB`,
    `${median(sweeps).toFixed(0)} ms`,
    `${hourTurn.ms.toFixed(0)} ms`,
    `${scrapeMs.toFixed(0)} ms`,
    `${(bytes / 2 ** 20).toFixed(1)} MB`,
    `${(startMs / 1_000).toFixed(2)} s`,
    `${mixed.toFixed(1)} us`,
    (mixed / single).toFixed(2),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

const HEADINGS = [
  'models',
  'features',
  'memory',
  'with exposition',
  'sweep',
  'at the turn of an hour',
  'scrape',
  'its text',
  'start',
  'intake of a row',
  'over one model',
];

const [size] = process.argv.slice(2);
if (size !== undefined) {
  const [models, features] = size.split('x').map(Number);
  await measure(models!, features!);
} else {
  console.log('All times are CPU.');
  console.log(`| ${HEADINGS.join(' | ')} |`);
  console.log(`|${' --- |'.repeat(HEADINGS.length)}`);
  for (const each of SIZES.split(','))
    spawnSync(process.execPath, ['--expose-gc', '--max-old-space-size=8192', fileURLToPath(import.meta.url), each], {
      stdio: 'inherit',
    });
}
