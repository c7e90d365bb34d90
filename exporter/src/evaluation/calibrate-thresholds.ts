import type { ModelContext, ModelCounts } from '../checks/check.ts';
import { CHECKS } from '../checks/registry.ts';
import type { CheckOutcomes } from '../domain/health.ts';
import type { CheckName, Thresholds } from '../domain/settings.ts';
import { FeatureCounts } from '../histogram/counts.ts';
import { PerformanceCounts } from '../histogram/performance-counts.ts';
import { Traffic } from '../histogram/traffic.ts';
import { addMoment, emptyMoments, sampleVariance } from '../statistics/regression.ts';

/** A threshold, and the figure of its check that is held against it. */
interface Signal {
  readonly threshold: keyof Thresholds;
  readonly check: CheckName;
  readonly figure: (outcomes: CheckOutcomes) => number;
  /** What the figure is without any change. */
  readonly rest: number;
  /** Beyond this no threshold is accepted by the configuration either. */
  readonly most: number;
}

const worst = (values: readonly number[]): number => Math.max(...values.filter((value) => !Number.isNaN(value)));

const SIGNALS: readonly Signal[] = [
  { threshold: 'accuracyDrop', check: 'performance', figure: (of) => of.performance.drop, rest: 0, most: 1 },
  {
    threshold: 'calibrationGap',
    check: 'performance',
    figure: (of) => of.performance.calibrationGapChange,
    rest: 0,
    most: 1,
  },
  {
    threshold: 'driftScore',
    check: 'data_drift',
    figure: (of) => worst(of.data_drift.features.map(({ klDivergence }) => klDivergence)),
    rest: 0,
    most: 100,
  },
  {
    threshold: 'minKsStatistic',
    check: 'prediction_drift',
    figure: (of) => of.prediction_drift.ksStatistic,
    rest: 0,
    most: 1,
  },
  { threshold: 'latencySpike', check: 'latency', figure: (of) => of.latency.spikeRatio, rest: 1, most: 1e6 },
  { threshold: 'errorRate', check: 'error_rate', figure: (of) => of.error_rate.errorRatio, rest: 0, most: 1 },
  {
    threshold: 'dataQuality',
    check: 'data_quality',
    figure: (of) => worst([0, ...of.data_quality.issues.map(({ share, baselineShare }) => share - baselineShare)]),
    rest: 0,
    most: 1,
  },
];

/** Chunks merged by this many, the smallest merge first: of 64 chunks at least 16 remain. */
const MERGES = [1, 2, 4];
const MERGED_CHUNKS = 16;
const MIN_CHUNKS = 10;
const MIN_CHUNK_SAMPLES = 20;
const SIGMAS = 3;
/** No threshold closes in on "no change" nearer than a tenth of the configured one: a baseline without errors has no spread at all. */
const FLOOR = 0.1;

/**
 * Thresholds from the baseline itself: mean + 3 standard deviations of each figure over chunks of the baseline as large as the window,
 * or, of a small baseline, as large as leaves 16 of them (smaller chunks scatter more, so the threshold errs upwards). A figure
 * that fewer than 10 chunks have keeps the configured threshold, and so do p-values and sample sizes.
 *
 * @param chunks of equal numbers of rows, in their order
 * @param samples by check, of its window now
 */
export function calibratedThresholds(
  context: ModelContext,
  chunks: readonly ModelCounts[],
  samples: (check: CheckName) => number,
): Thresholds {
  const { thresholds } = context.settings;
  const found: Partial<Record<keyof Thresholds, number>> = {};
  for (const check of new Set(SIGNALS.map((signal) => signal.check))) {
    const outcomes = outcomesOver(context, chunks, check, samples(check));
    for (const { threshold, figure, rest, most } of SIGNALS.filter((signal) => signal.check === check)) {
      const figures = outcomes.map(figure).filter(Number.isFinite);
      if (figures.length < MIN_CHUNKS) continue;
      const floor = rest + FLOOR * (thresholds[threshold] - rest);
      found[threshold] = Math.min(most, Math.max(floor, meanPlusSigmas(figures)));
    }
  }
  return { ...thresholds, ...found };
}

/** Outcomes of one check over the chunks, in parts as large as the window if there are enough; none of parts that are too small. */
function outcomesOver(
  context: ModelContext,
  chunks: readonly ModelCounts[],
  check: CheckName,
  samples: number,
): CheckOutcomes[] {
  // Every figure of every part counts, however small the part and the figure.
  const settings = {
    ...context.settings,
    minimumSamples: { report: 1, alert: 1, labels: 1 },
    minimumLabelCoverage: 0,
    thresholds: { ...context.settings.thresholds, dataQuality: Number.MIN_VALUE },
  };
  const of = CHECKS.find(({ name }) => name === check)!;
  let outcomes: CheckOutcomes[] = [];
  for (const merge of MERGES) {
    if (merge > 1 && chunks.length < merge * MERGED_CHUNKS) break;
    const parts = merged(chunks, merge).map((part) => of.evaluate({ ...context, settings }, part, 0));
    outcomes = parts
      .filter((outcome) => outcome.samples >= MIN_CHUNK_SAMPLES)
      .map((outcome) => ({ [check]: outcome }) as unknown as CheckOutcomes);
    if (parts.reduce((sum, outcome) => sum + outcome.samples, 0) >= samples * parts.length) break;
  }
  return outcomes;
}

function merged(chunks: readonly ModelCounts[], by: number): ModelCounts[] {
  const parts: ModelCounts[] = [];
  for (let from = 0; from + by <= chunks.length; from += by) parts.push(sumOf(chunks.slice(from, from + by)));
  return parts;
}

function sumOf(counts: readonly ModelCounts[]): ModelCounts {
  const [first, ...rest] = counts;
  if (rest.length === 0) return first!;
  const sum = emptyLike(first!);
  for (const { features, traffic, performance } of counts) {
    sum.features.add(features);
    sum.traffic.add(traffic);
    sum.performance.merge(performance, 1);
  }
  return sum;
}

function emptyLike({ features }: ModelCounts): ModelCounts {
  return {
    features: new FeatureCounts(features.columns),
    traffic: new Traffic(),
    performance: new PerformanceCounts(),
  };
}

/** Of the sample (n - 1). */
function meanPlusSigmas(values: readonly number[]): number {
  const moments = emptyMoments();
  for (const value of values) addMoment(moments, value);
  return moments.mean + SIGMAS * Math.sqrt(sampleVariance(moments));
}
