import { performance } from 'node:perf_hooks';
import { buildNumericBins } from '../src/histogram/bin-scheme.ts';
import type { NumericBins } from '../src/histogram/bin-scheme.ts';
import { binColumn, binInto, binOf } from '../src/histogram/binner.ts';
import { latencyCode } from '../src/histogram/latency-buckets.ts';
import { jensenShannonDistance } from '../src/statistics/jensen-shannon.ts';
import { ksBounds, ksPValue } from '../src/statistics/kolmogorov-smirnov.ts';
import { coarsen, klDivergence } from '../src/statistics/kullback-leibler.ts';
import { populationStabilityIndex } from '../src/statistics/population-stability.ts';
import { wassersteinDistance } from '../src/statistics/wasserstein.ts';
import { deviates } from './normal-deviates.ts';

/**
 * Evaluation of feature windows (KS bounds and p, KL, PSI, Jensen-Shannon, Wasserstein, at 200 bins) against the target of 200,000
 * a second and core, and the cost of binning a value, against plain bisection.
 */
const TARGET_WINDOWS_PER_SECOND = 200_000;
const FEATURES = 400;
const COLD_FEATURES = 20_000;
const MIN_MS = 300;
const ROUNDS = 5;

/** Results are added here and printed, so that no work can be optimised away. */
let sink = 0;

const { uniform, normal } = deviates(12345);

/** Best of some rounds, in nanoseconds an operation: the least disturbed one. */
function nanoseconds(operations: number, run: () => void): number {
  run();
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    let done = 0;
    const start = performance.now();
    let elapsed = 0;
    while (elapsed < MIN_MS / ROUNDS) {
      run();
      done += operations;
      elapsed = performance.now() - start;
    }
    best = Math.min(best, (elapsed * 1e6) / done);
  }
  return best;
}

interface FeatureWindow {
  readonly bins: NumericBins;
  readonly baseline: Uint32Array;
  readonly current: Uint32Array;
  readonly baselineSums: Float64Array;
  readonly currentSums: Float64Array;
}

function featureWindow(): FeatureWindow {
  const values = Float64Array.from({ length: 5000 }, normal);
  const bins = buildNumericBins(values);
  const baseline = new Uint32Array(256);
  const current = new Uint32Array(256);
  const currentSums = new Float64Array(256);
  for (const value of values) baseline[binInto(bins.prepared, value)]! += 1;
  for (let i = 0; i < 2000; i++) {
    const value = normal() * 1.05 + 0.1;
    const bin = binInto(bins.prepared, value);
    current[bin]! += 1;
    if (bins.sumBins[bin] === 1) currentSums[bin]! += value;
  }
  return { bins, baseline, current, baselineSums: new Float64Array(256), currentSums };
}

const baselineCells = new Float64Array(10);
const currentCells = new Float64Array(10);

function evaluate({ bins, baseline, current, baselineSums, currentSums }: FeatureWindow): number {
  const bounds = ksBounds(baseline, current, bins.atoms);
  const cells = bins.coarseCells;
  coarsen(baseline, bins.deciles, cells, baselineCells);
  coarsen(current, bins.deciles, cells, currentCells);
  return (
    ksPValue(bounds.lower, bounds.n, bounds.m) +
    bounds.upper +
    klDivergence(baselineCells, currentCells, cells) +
    populationStabilityIndex(baselineCells, currentCells, cells) +
    jensenShannonDistance(baselineCells, currentCells, cells) +
    wassersteinDistance(
      bins.edges,
      bins.sumBins,
      { counts: baseline, sums: baselineSums },
      { counts: current, sums: currentSums },
    )
  );
}

function report(name: string, value: string): void {
  console.log(`${name.padEnd(64)} ${value}`);
}

function benchEvaluation(): void {
  const windows = Array.from({ length: FEATURES }, featureWindow);
  const cost = nanoseconds(FEATURES, () => {
    for (const window of windows) sink += evaluate(window);
  });
  const perSecond = 1e9 / cost;
  report('feature windows evaluated, a second and core', Math.round(perSecond).toLocaleString('en'));
  report(
    `  against the target of ${TARGET_WINDOWS_PER_SECOND.toLocaleString('en')}`,
    `${(perSecond / TARGET_WINDOWS_PER_SECOND).toFixed(2)}x`,
  );
  const ks = nanoseconds(FEATURES, () => {
    for (const { bins, baseline, current } of windows) sink += ksBounds(baseline, current, bins.atoms).lower;
  });
  report('  of which KS bounds', `${ks.toFixed(0)} ns of ${cost.toFixed(0)}`);
}

function benchBinning(): void {
  const values = Float64Array.from({ length: 20_000 }, normal);
  const codes = new Uint8Array(values.length);
  const bins = buildNumericBins(Float64Array.from({ length: 20_000 }, normal));
  const plain = nanoseconds(values.length, () => {
    for (let i = 0; i < values.length; i++) codes[i] = binOf(bins.edges, values[i]!);
  });
  const column = nanoseconds(values.length, () => binColumn(bins.prepared, values, codes));
  report(
    'binning a value, one feature, column by column',
    `${column.toFixed(1)} ns (bisection ${plain.toFixed(1)}: ${(plain / column).toFixed(1)}x)`,
  );
  benchColdBinning(bins.edges, bins.prepared, values);
  const latencies = values.map((z) => Math.exp(z - 3));
  const latency = nanoseconds(latencies.length, () => {
    for (const seconds of latencies) sink += latencyCode(seconds);
  });
  report('latency bucket of a value', `${latency.toFixed(1)} ns`);
}

/** Every value of another feature, as when many models arrive in random order: what counts is how much memory a search touches. */
function benchColdBinning(edges: Float64Array, prepared: Float64Array, values: Float64Array): void {
  const order = Uint32Array.from({ length: values.length }, () => Math.floor(uniform() * COLD_FEATURES));
  const cold = Array.from({ length: COLD_FEATURES }, () => ({
    edges: Float64Array.from(edges),
    prepared: Float64Array.from(prepared),
  }));
  const plain = nanoseconds(values.length, () => {
    for (let i = 0; i < values.length; i++) sink += binOf(cold[order[i]!]!.edges, values[i]!);
  });
  const levels = nanoseconds(values.length, () => {
    for (let i = 0; i < values.length; i++) sink += binInto(cold[order[i]!]!.prepared, values[i]!);
  });
  report(
    `binning a value, ${COLD_FEATURES.toLocaleString('en')} features in random order`,
    `${levels.toFixed(0)} ns (bisection ${plain.toFixed(0)}: ${(plain / levels).toFixed(1)}x)`,
  );
}

benchEvaluation();
benchBinning();
report('(checksum)', sink.toExponential(3));
