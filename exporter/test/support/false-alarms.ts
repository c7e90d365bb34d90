import { buildScheme, countBaseline, countChunks } from '../../src/baseline/build-baseline.ts';
import { designEffects } from '../../src/baseline/design-effects.ts';
import { provisionalTarget } from '../../src/baseline/provisional-target.ts';
import { layOut } from '../../src/baseline/reference-rows.ts';
import { Spool } from '../../src/baseline/spool.ts';
import type { ModelBaseline, ModelContext } from '../../src/checks/check.ts';
import { DEFAULT_SETTINGS } from '../../src/domain/settings.ts';
import type { Thresholds } from '../../src/domain/settings.ts';
import { calibratedThresholds } from '../../src/evaluation/calibrate-thresholds.ts';
import { evaluateModel } from '../../src/evaluation/evaluate-model.ts';
import { VersionWindows } from '../../src/evaluation/version-windows.ts';
import { binBatch } from '../../src/histogram/bin-batch.ts';
import { BASELINE_CHUNKS } from '../../src/histogram/bucket-codec.ts';
import type { BucketCounts } from '../../src/histogram/bucket-codec.ts';
import { countBatch } from '../../src/histogram/count-rows.ts';
import type { ModelTarget } from '../../src/histogram/model-target.ts';
import { WHOLE } from '../../src/histogram/segments.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/histogram/time-bucket.ts';
import { Traffic } from '../../src/histogram/traffic.ts';
import { ksPValue } from '../../src/statistics/kolmogorov-smirnov.ts';
import { Random } from './random.ts';

export interface Sample {
  readonly features: readonly number[];
  readonly score: number;
}
/** Features and score of one prediction; `shift` in standard deviations of the first feature and, in logits, of the score. */
export type Stream = (random: Random, timeMs: number, shift: number) => Sample;

const FEATURES = 10;
const START = Date.UTC(2026, 8, 7);

export interface Week {
  /** Evaluations in which the founding thresholds alone would have alarmed: KL > 0.3 on a feature, or KS p < 0.05 of the scores. */
  readonly foundingAlarms: number;
  readonly evaluations: number;
  readonly alerts: number;
  readonly warnings: number;
  /** Verdicts other than none, of any feature. */
  readonly reported: number;
}

/** What differs from the defaults. */
interface Judged {
  readonly thresholds?: Partial<Thresholds>;
  /** Thresholds from the spread of the baseline. */
  readonly selfCalibrated?: boolean;
  /** Whether the baseline's rows have times; they have where nothing is said. */
  readonly timed?: boolean;
}

/**
 * A week of one model through the evaluation itself: a baseline of the week before, hourly buckets, a sliding window of 24 h, an
 * evaluation every hour.
 *
 * @param perDay predictions a day; shifted by `shift` from the first evaluation on
 */
export async function simulateWeek(
  stream: Stream,
  seed: number,
  perDay: number,
  shift = 0,
  how: Judged = {},
): Promise<Week> {
  const random = new Random(seed);
  const names = Array.from({ length: FEATURES }, (_, i) => `f${i}`);
  const columns = {
    features: new Map(names.map((name) => [name, 'numeric' as const])),
    classes: new Set(['no', 'yes']),
    ignored: [],
  };
  const target: ModelTarget = {
    ...provisionalTarget('quiet', '1', columns, 'binary', undefined, undefined),
    positiveClass: 1,
  };
  const rows = (fromMs: number, toMs: number, by: number) =>
    Array.from({ length: Math.round((perDay * (toMs - fromMs)) / DAY_MS) }, () => {
      const timestamp = fromMs + random.uniform() * (toMs - fromMs);
      const { features, score } = stream(random, timestamp, by);
      const values = Object.fromEntries(names.map((name, i) => [name, features[i]]));
      const prediction = score > 0.5 ? 'yes' : 'no';
      return {
        features: values,
        prediction,
        score,
        scores: undefined,
        label: null,
        latencyMs: 10,
        error: null,
        timestamp,
      };
    });
  const spool = new Spool();
  spool.add(layOut(rows(START - 7 * DAY_MS, START, 0), target));
  const present = new Set(names);
  const { scheme } = await buildScheme(spool, target, present, new Map(), 200);
  const binned = { ...target, scheme: { id: 1, ...scheme } };
  const plain: ModelContext = {
    task: 'binary',
    classes: ['no', 'yes'],
    positiveClass: 1,
    errorReasons: [],
    columns: target.features,
    scheme: binned.scheme,
    baseline: asBaseline(await countBaseline(spool, binned, present)),
    designEffects: how.timed === false ? [] : await designEffects(spool, binned, [DAY_MS]),
    settings: DEFAULT_SETTINGS.defaults,
  };
  const chunks =
    how.selfCalibrated === true ? (await countChunks(spool, binned, present, BASELINE_CHUNKS)).map(asBaseline) : [];
  const own = { ...plain.settings.thresholds, ...how.thresholds };
  const thresholds = how.selfCalibrated === true ? calibratedThresholds(plain, chunks, () => perDay) : own;
  const context = { ...plain, settings: { ...plain.settings, thresholds } };
  const windows = new VersionWindows();
  const week = { foundingAlarms: 0, evaluations: 0, alerts: 0, warnings: 0, reported: 0 };
  for (let hour = -24; hour < 7 * 24; hour++) {
    const from = START + DAY_MS + hour * HOUR_MS;
    const key = {
      versionId: 0,
      schemeId: 1,
      segmentId: WHOLE,
      bucketStart: from / MINUTE_MS,
      bucketMinutes: 60 as const,
    };
    const { batch, labels } = layOut(rows(from, from + HOUR_MS, hour < 0 && shift === 0 ? 0 : shift), binned);
    if (batch.rows > 0) countBatch(windows.openForWriting(key, FEATURES + 2).open, binBatch(batch), labels, null);
    if (hour < 0) continue;
    const nowMs = from + HOUR_MS - 1;
    const report = evaluateModel({
      model: 'quiet',
      version: '1',
      nowMs,
      context,
      baselines: null,
      significantDays: new Map(),
      window: (windowMs) => windows.window(nowMs, windowMs, FEATURES + 2),
    });
    const { data_drift: data, prediction_drift: prediction } = report.checks;
    week.evaluations++;
    week.alerts += Number(data.state === 'alert' || prediction.state === 'alert');
    week.warnings += Number(data.state === 'warning' || prediction.state === 'warning');
    week.reported += Number(data.features.some(({ verdict }) => verdict === 'moderate' || verdict === 'significant'));
    week.foundingAlarms += Number(
      data.features.some(({ klDivergence }) => klDivergence > 0.3) ||
        ksPValue(prediction.ksStatistic, 7 * perDay, prediction.samples) < 0.05,
    );
  }
  return week;
}

function asBaseline(counts: BucketCounts): ModelBaseline {
  const traffic = new Traffic();
  for (const minute of counts.minutes.values()) traffic.add(minute);
  return { kind: 'reference', madeAtMs: START, features: counts.features, traffic, performance: counts.performance };
}

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const ofNormals =
  (make: (z: number, i: number) => number): Stream =>
  (random, _timeMs, shift) => ({
    features: Array.from({ length: FEATURES }, (_, i) => make(random.normal() + (i === 0 ? shift : 0), i)),
    score: logistic(random.normal() + shift),
  });

/**
 * Other users every day and in every simulated week, each of whom is seen so many times with much the same features: 1,000 rows say less
 * than they count.
 */
export const ofUsers =
  (visits: number, perDay = 1_000): Stream =>
  (random, timeMs, shift) => {
    const users = perDay / visits;
    const number = Math.floor(timeMs / DAY_MS) * users + Math.floor(random.uniform() * users);
    const user = new Random(Math.imul(number, 7_919) + Math.imul(random.seed, 104_729));
    return {
      features: Array.from(
        { length: FEATURES },
        (_, i) => user.normal() + 0.1 * random.normal() + (i === 0 ? shift : 0),
      ),
      score: logistic(user.normal() + 0.1 * random.normal() + shift),
    };
  };

/** Streams without drift. */
export const STREAMS: Readonly<Record<string, Stream>> = {
  normal: ofNormals((z) => z),
  skewed: ofNormals((z) => Math.exp(2 * z)),
  discrete: ofNormals((z, i) => Math.round(z * (i + 1))),
  'users seen twice a day': ofUsers(2),
  'users seen 5 times a day': ofUsers(5),
  'users seen 20 times a day': ofUsers(20),
  'daily cycle': (random, timeMs, shift) => {
    const cycle = 0.5 * Math.sin((2 * Math.PI * timeMs) / DAY_MS);
    return {
      features: Array.from({ length: FEATURES }, (_, i) => random.normal() + cycle + (i === 0 ? shift : 0)),
      score: logistic(random.normal() + cycle + shift),
    };
  },
};
