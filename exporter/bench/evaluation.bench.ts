// One evaluation of a window of 1,000,000 predictions of 20 features against a baseline of 100,000 rows: what it costs does not depend
// on the rows, because they were counted when they came in. Target: under 5 ms. The rows are generated from a seed and, with
// BENCH_WRITE=folder, written there as CSV, for peers/drift.py to compare SciPy, Evidently and NannyML on the same rows.
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import type { ModelContext, ModelCounts } from '../src/checks/check.ts';
import { dataDrift } from '../src/checks/data-drift.ts';
import { DEFAULT_SETTINGS } from '../src/domain/settings.ts';
import { evaluateModel } from '../src/evaluation/evaluate-model.ts';
import { buildNumericBins } from '../src/histogram/bin-scheme.ts';
import type { NumericBins } from '../src/histogram/bin-scheme.ts';
import { binInto } from '../src/histogram/binner.ts';
import { buildCategoryBins, categoryCode } from '../src/histogram/categories.ts';
import { FeatureCounts } from '../src/histogram/counts.ts';
import { FIRST_FEATURE_COLUMN } from '../src/histogram/model-columns.ts';
import type { FeatureColumn } from '../src/histogram/model-columns.ts';
import { PerformanceCounts } from '../src/histogram/performance-counts.ts';
import { Traffic } from '../src/histogram/traffic.ts';
import { deviates } from './normal-deviates.ts';

const ROWS = Number(process.env.BENCH_ROWS ?? 1_000_000);
const BASELINE_ROWS = ROWS / 10;
const NUMERIC = 15;
const CATEGORICAL = 5;
const TARGET_MS = 5;
const DAY_MS = 86_400_000;

const { uniform, normal } = deviates(2026);

/** A third normal, a third lognormal, a third whole numbers; one in three shifted in the window. */
function numbers(feature: number, rows: number, current: boolean): Float64Array {
  const shift = current && feature % 3 === 0 ? 0.5 : 0;
  return Float64Array.from({ length: rows }, () => {
    const z = normal() + shift;
    return feature < 5 ? z : feature < 10 ? Math.exp(z) : Math.round(10 * z);
  });
}

function words(feature: number, rows: number, current: boolean): string[] {
  const power = current && feature % 3 === 0 ? 2.4 : 2;
  return Array.from({ length: rows }, () => `value_${Math.floor(5 * (feature + 1) * uniform() ** power)}`);
}

function write(name: string, columns: readonly (readonly [string, ArrayLike<number | string>])[]): Promise<void> {
  const folder = process.env.BENCH_WRITE;
  if (folder === undefined) return Promise.resolve();
  const file = createWriteStream(path.join(folder, name));
  file.write(`${columns.map(([column]) => column).join(',')}\n`);
  for (let row = 0; row < columns[0]![1].length; row++) file.write(`${columns.map(([, of]) => of[row]).join(',')}\n`);
  return new Promise((resolve) => file.end(resolve));
}

function countNumbers(into: FeatureCounts, column: number, bins: NumericBins, values: Float64Array): void {
  const counts = into.column(column);
  for (const value of values) {
    const code = binInto(bins.prepared, value);
    counts[code]!++;
    if (bins.sumBins[code] === 1) into.addTail(column, code, value);
  }
}

function asCounts(features: FeatureCounts): ModelCounts {
  return { features, traffic: new Traffic(), performance: new PerformanceCounts() };
}

const columns: FeatureColumn[] = Array.from({ length: NUMERIC + CATEGORICAL }, (_, i) => ({
  name: i < NUMERIC ? `num_${i}` : `cat_${i - NUMERIC}`,
  kind: i < NUMERIC ? 'numeric' : 'categorical',
  position: i < NUMERIC ? i : i - NUMERIC,
  column: FIRST_FEATURE_COLUMN + i,
}));
const baseline = new FeatureCounts(FIRST_FEATURE_COLUMN + columns.length);
const current = new FeatureCounts(FIRST_FEATURE_COLUMN + columns.length);
baseline.rows = BASELINE_ROWS;
current.rows = ROWS;
const written: Record<'baseline' | 'current', [string, ArrayLike<number | string>][]> = { baseline: [], current: [] };
let countingMs = 0;
const features = columns.map(({ name, kind, column }, i) => {
  if (kind === 'numeric') {
    const [then, now] = [numbers(i, BASELINE_ROWS, false), numbers(i, ROWS, true)];
    const bins = buildNumericBins(then);
    countNumbers(baseline, column, bins, then);
    const began = performance.now();
    countNumbers(current, column, bins, now);
    countingMs += performance.now() - began;
    if (process.env.BENCH_WRITE !== undefined) {
      written.baseline.push([name, then]);
      written.current.push([name, now]);
    }
    return bins;
  }
  const [then, now] = [words(i, BASELINE_ROWS, false), words(i, ROWS, true)];
  const seen = new Map<string, number>();
  for (const word of then) seen.set(word, (seen.get(word) ?? 0) + 1);
  const bins = buildCategoryBins(seen);
  for (const word of then) baseline.column(column)[categoryCode(bins, word)]!++;
  const began = performance.now();
  for (const word of now) current.column(column)[categoryCode(bins, word)]!++;
  countingMs += performance.now() - began;
  if (process.env.BENCH_WRITE !== undefined) {
    written.baseline.push([name, then]);
    written.current.push([name, now]);
  }
  return bins;
});
await write('baseline.csv', written.baseline);
await write('current.csv', written.current);

const context: ModelContext = {
  task: 'binary',
  classes: ['no', 'yes'],
  positiveClass: 1,
  errorReasons: [],
  columns,
  scheme: { id: 1, score: buildNumericBins(new Float64Array()), features, outlierFences: columns.map(() => null) },
  baseline: { kind: 'reference', madeAtMs: 0, ...asCounts(baseline) },
  settings: DEFAULT_SETTINGS.defaults,
};
const window = asCounts(current);

/** Median of some runs after a warm-up, in milliseconds. */
function median(run: () => void): number {
  for (let i = 0; i < 50; i++) run();
  const times = Array.from({ length: 101 }, () => {
    const began = performance.now();
    run();
    return performance.now() - began;
  });
  return times.sort((a, b) => a - b)[50]!;
}

const began = performance.now();
const outcome = dataDrift.evaluate(context, window, DAY_MS);
const firstMs = performance.now() - began;
const driftMs = median(() => void dataDrift.evaluate(context, window, DAY_MS));
const wholeMs = median(
  () =>
    void evaluateModel({
      model: 'm',
      version: '1',
      nowMs: 0,
      context,
      baselines: null,
      significantDays: new Map(),
      window: () => window,
    }),
);
const report = (name: string, value: string) => console.log(`${name.padEnd(68)} ${value}`);
report(`counting ${ROWS.toLocaleString('en')} rows of 20 features, once, as they come`, `${countingMs.toFixed(0)} ms`);
report('drift of all features, the very first time', `${firstMs.toFixed(2)} ms`);
report('drift of all features', `${driftMs.toFixed(3)} ms`);
report('all six checks', `${wholeMs.toFixed(3)} ms`);
report(`  against the target of ${TARGET_MS} ms`, `${(TARGET_MS / wholeMs).toFixed(0)}x better`);
report('features that drifted', String(outcome.features.filter(({ verdict }) => verdict !== 'none').length));
report('peak memory of this program, rows included', `${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
