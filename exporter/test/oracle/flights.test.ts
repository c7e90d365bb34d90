import { beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildScheme, countBaseline } from '../../src/baseline/build-baseline.ts';
import type { BuiltScheme } from '../../src/baseline/build-baseline.ts';
import { provisionalTarget } from '../../src/baseline/provisional-target.ts';
import { layOut } from '../../src/baseline/reference-rows.ts';
import { Spool } from '../../src/baseline/spool.ts';
import type { ModelContext } from '../../src/checks/check.ts';
import { categoricalDrift, numericDrift } from '../../src/checks/feature-drift.ts';
import type { ColumnDrift } from '../../src/checks/feature-drift.ts';
import { performanceFigures } from '../../src/checks/performance-figures.ts';
import type { BaselineRow } from '../../src/domain/baseline.ts';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import type { BucketCounts } from '../../src/histogram/bucket-codec.ts';
import { FIRST_FEATURE_COLUMN } from '../../src/histogram/model-columns.ts';
import type { FeatureKind } from '../../src/histogram/model-columns.ts';
import type { ModelTarget } from '../../src/histogram/model-target.ts';

/** Flights of 2001 (vega-datasets), sampled: January and February as the baseline, and three windows of other days. */
interface Flight {
  readonly minute: number;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}
const WINDOWS = ['february', 'april', 'june'] as const;
type Part = 'baseline' | (typeof WINDOWS)[number];

function readFlights(): Record<Part, Flight[]> {
  const parts: Record<Part, Flight[]> = { baseline: [], february: [], april: [], june: [] };
  const text = readFileSync(path.join(__dirname, '..', 'fixtures', 'flights-sample.csv'), 'utf8');
  for (const line of text.trimEnd().split('\n').slice(1)) {
    const [part, minute, delay, distance, origin, destination] = line.split(',') as [Part, ...string[]];
    const flight = { minute: Number(minute), delay: Number(delay), distance: Number(distance) };
    parts[part].push({ ...flight, origin: origin!, destination: destination! });
  }
  return parts;
}

const hour = ({ minute }: Flight) => Math.floor(minute / 60) % 24;
const weekday = ({ minute }: Flight) => (Math.floor(minute / 1_440) + 4) % 7;
const noise = ({ minute, distance }: Flight) => ((minute * 7_919 + distance * 104_729) % 10_007) / 10_007;

/** Continuous and whole, heavy tails, atoms, few values, many values, constants, huge offsets. */
const NUMERIC: Readonly<Record<string, (flight: Flight) => number>> = {
  delay: ({ delay }) => delay,
  late: ({ delay }) => Math.max(0, delay),
  early: ({ delay }) => Math.min(0, delay),
  is_late: ({ delay }) => Number(delay > 15),
  delay_hours: ({ delay }) => delay / 60,
  delay_tens: ({ delay }) => Math.round(delay / 10) * 10,
  delay_cubed: ({ delay }) => delay ** 3,
  delay_noisy: (flight) => flight.delay + noise(flight),
  distance: ({ distance }) => distance,
  distance_log: ({ distance }) => Math.log(distance),
  distance_km: ({ distance }) => distance * 1.609344,
  distance_hundreds: ({ distance }) => Math.floor(distance / 100),
  distance_inverse: ({ distance }) => 1 / distance,
  distance_noisy: (flight) => flight.distance * (1 + noise(flight)),
  delay_per_mile: ({ delay, distance }) => delay / distance,
  speed: ({ delay, distance }) => distance / (60 + Math.abs(delay)),
  hour,
  weekday,
  minute_of_day: ({ minute }) => minute % 1_440,
  hour_sine: (flight) => Math.sin((hour(flight) / 12) * Math.PI),
  epoch_seconds: ({ minute }) => minute * 60,
  day: ({ minute }) => Math.floor(minute / 1_440),
  noise,
  constant: () => 7,
  offset: (flight) => 1e9 + flight.delay,
  interaction: (flight) => hour(flight) * flight.distance,
};
const CATEGORICAL: Readonly<Record<string, (flight: Flight) => string>> = {
  origin_letter: ({ origin }) => origin[0]!,
  destination_letter: ({ destination }) => destination[0]!,
  day_name: (flight) => `d${weekday(flight)}`,
  part_of_day: (flight) => ['night', 'morning', 'afternoon', 'evening'][Math.floor(hour(flight) / 6)]!,
};
const score = (flight: Flight) => 1 / (1 + Math.exp(-((hour(flight) - 14) / 5 + 2 * noise(flight) - 1)));

function toRow(flight: Flight): BaselineRow {
  const all = Object.entries({ ...NUMERIC, ...CATEGORICAL }).map(([name, of]) => [name, of(flight)]);
  const features = Object.fromEntries(all) as Record<string, unknown>;
  const yes = score(flight);
  const label = flight.delay > 15 ? 'yes' : 'no';
  return {
    features,
    prediction: yes > 0.5 ? 'yes' : 'no',
    score: yes,
    scores: undefined,
    label,
    latencyMs: null,
    error: null,
  };
}

interface Answer {
  readonly versions: string;
  readonly numeric: readonly Record<'d' | 'p_of_lower' | 'kl' | 'psi' | 'js' | 'wasserstein', number>[];
  readonly categorical: readonly Record<'tv' | 'p' | 'expected_below_5' | 'kl' | 'psi' | 'js', number>[];
  readonly binary: readonly Record<
    'roc_auc' | 'average_precision' | 'brier' | 'log_loss' | 'f1' | 'accuracy',
    number
  >[];
}

const installed = spawnSync('/usr/bin/python3', ['-c', 'import scipy, sklearn']).status === 0;
// With CI=true it is installed, or the run has failed before this.
const withSciPy = installed ? describe : describe.skip;

withSciPy('30 features of real flights in three windows, as SciPy and scikit-learn compute them', () => {
  const flights = readFlights();
  const kinds = new Map<string, FeatureKind>([
    ...Object.keys(NUMERIC).map((name) => [name, 'numeric'] as const),
    ...Object.keys(CATEGORICAL).map((name) => [name, 'categorical'] as const),
  ]);
  const target: ModelTarget = {
    ...provisionalTarget(
      'flights',
      '1',
      { features: kinds, classes: new Set(['no', 'yes']), ignored: [] },
      'binary',
      undefined,
      undefined,
    ),
    positiveClass: 1,
  };
  const present = new Set(kinds.keys());
  const spoolOf = (part: Part) => {
    const spool = new Spool();
    spool.add(layOut(flights[part].map(toRow), target, 0));
    return spool;
  };
  let scheme: BuiltScheme['scheme'];
  let binned: ModelTarget;
  let baseline: BucketCounts;
  const windows = new Map<Part, BucketCounts>();

  const driftOf = (part: (typeof WINDOWS)[number], name: string): ColumnDrift => {
    const { column } = target.featureByName.get(name)!;
    const bins = scheme.features[column - FIRST_FEATURE_COLUMN]!;
    const { features } = windows.get(part)!;
    return bins.kind === 'numeric'
      ? numericDrift(bins, baseline, features, column)
      : categoricalDrift(bins, baseline.features, features, column);
  };
  const cases = (of: Readonly<Record<string, unknown>>) =>
    Object.keys(of).flatMap((name) => WINDOWS.map((part) => ({ name, part })));
  const numeric = cases(NUMERIC);
  const categorical = cases(CATEGORICAL);
  let answer: Answer;

  beforeAll(async () => {
    ({ scheme } = await buildScheme(spoolOf('baseline'), target, present, new Map(), 200));
    binned = { ...target, scheme: { id: 1, ...scheme } };
    const countsOf = (part: Part) => countBaseline(spoolOf(part), binned, present);
    baseline = await countsOf('baseline');
    for (const part of WINDOWS) windows.set(part, await countsOf(part));
    const values = (part: Part, of: (flight: Flight) => unknown) => flights[part].map(of);
    const input = {
      numeric: numeric.map(({ name, part }) => ({
        baseline: values('baseline', NUMERIC[name]!),
        window: values(part, NUMERIC[name]!),
        ks_lower: driftOf(part, name).effect,
      })),
      categorical: categorical.map(({ name, part }) => ({
        baseline: values('baseline', CATEGORICAL[name]!),
        window: values(part, CATEGORICAL[name]!),
      })),
      binary: WINDOWS.map((part) => ({
        label: values(part, ({ delay }) => Number(delay > 15)),
        score: values(part, score),
      })),
    };
    // Debian's own Python, whatever comes first on the PATH.
    const { stdout, stderr, status } = spawnSync('/usr/bin/python3', [path.join(__dirname, 'figures.py')], {
      input: JSON.stringify(input),
      encoding: 'utf8',
      maxBuffer: 64 * 1_048_576,
    });
    if (status !== 0) throw new Error(`figures.py failed (python3-scipy, python3-sklearn): ${stderr}`);
    answer = JSON.parse(stdout) as Answer;
  }, 300_000);

  test('there are 30 features', () => {
    expect(kinds.size).toBe(30);
    expect(answer.versions).toMatch(/^SciPy \d+\.\d+.*, scikit-learn \d/);
  });

  test.each(numeric.map((one, i) => ({ ...one, i })))('$name in $part', ({ name, part, i }) => {
    const drift = driftOf(part, name);
    const oracle = answer.numeric[i]!;
    const bins = scheme.features[target.featureByName.get(name)!.column - FIRST_FEATURE_COLUMN]!;
    const few = bins.kind === 'numeric' && bins.distinctValues < 20;
    if (!few) {
      expect(oracle.d).toBeGreaterThanOrEqual(drift.effect - 1e-12);
      expect(oracle.d).toBeLessThanOrEqual(drift.effectUpper + 1e-12);
      // The certificate is no wider than a bin.
      expect(drift.effectUpper - drift.effect).toBeLessThanOrEqual(0.0101);
      expect(Math.abs(drift.pValue - oracle.p_of_lower)).toBeLessThan(5e-4);
    }
    expect(drift.klDivergence).toBeCloseTo(oracle.kl, 10);
    expect(drift.psi).toBeCloseTo(oracle.psi, 10);
    expect(drift.jsDistance).toBeCloseTo(oracle.js, 10);
    // From bins: to 0.015 standard deviations and 2 %; the cubes of delays are the worst.
    if (name !== 'constant')
      expect(Math.abs(drift.wasserstein - oracle.wasserstein)).toBeLessThan(0.015 + 0.02 * oracle.wasserstein);
  });

  test.each(categorical.map((one, i) => ({ ...one, i })))('$name in $part', ({ name, part, i }) => {
    const drift = driftOf(part, name);
    const oracle = answer.categorical[i]!;
    expect(drift.effect).toBeCloseTo(oracle.tv, 12);
    expect(drift.klDivergence).toBeCloseTo(oracle.kl, 10);
    expect(drift.psi).toBeCloseTo(oracle.psi, 10);
    expect(drift.jsDistance).toBeCloseTo(oracle.js, 10);
    // With more small cells than that the exporter merges them, and SciPy does not.
    if (oracle.expected_below_5 <= 0.2) expect(Math.abs(drift.pValue - oracle.p)).toBeLessThan(1e-9);
  });

  test.each(WINDOWS.map((part, i) => ({ part, i })))('performance in $part', ({ part, i }) => {
    const context: ModelContext = {
      task: 'binary',
      classes: ['no', 'yes'],
      positiveClass: 1,
      errorReasons: [],
      columns: target.features,
      scheme: binned.scheme,
      baseline: null,
      settings: DEFAULT_SETTINGS.defaults,
    };
    const figures = performanceFigures(windows.get(part)!.performance, context);
    const oracle = answer.binary[i]!;
    expect(figures.accuracy).toBeCloseTo(oracle.accuracy, 12);
    expect(figures.f1).toBeCloseTo(oracle.f1, 12);
    expect(figures.brierScore).toBeCloseTo(oracle.brier, 10);
    expect(figures.logLoss).toBeCloseTo(oracle.log_loss, 10);
    // Of score bins: see the page of the check.
    expect(Math.abs(figures.rocAuc - oracle.roc_auc)).toBeLessThan(5e-4);
    expect(Math.abs(figures.averagePrecision - oracle.average_precision)).toBeLessThan(5e-3);
  });
});
