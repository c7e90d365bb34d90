import type { LossEpisode } from '../domain/alert.ts';
import type { CheckName } from '../domain/settings.ts';

/** A stored evaluation as far as a back-test needs it: what one check found. */
export interface EvaluatedCheck {
  readonly atMs: number;
  /** The check's figures as they are stored; NaN is null there. */
  readonly outcome: Readonly<Record<string, unknown>>;
}

/** What may be back-tested: the check, its figure, and whether the figure is significant. */
interface Signal {
  readonly check: CheckName;
  readonly figure: (outcome: EvaluatedCheck['outcome'], limits: BackTestLimits) => number;
  readonly significant: (outcome: EvaluatedCheck['outcome'], limits: BackTestLimits) => boolean;
  /** A threshold that is reached counts, not only one that is passed. */
  readonly inclusive?: true;
}

export interface BackTestLimits {
  readonly ksPValue: number;
  /** A change is significant below this p, where it is not `ksPValue` that says so. */
  readonly significantP: number;
  /** Fewer samples never alert. */
  readonly minimumSamples: number;
}

export interface FiredEpisode {
  readonly fromMs: number;
  readonly toMs: number;
  readonly peak: number;
  /** Fewest samples behind it. */
  readonly samples: number;
  /** Performance was in alert during it, or within its window afterwards. */
  readonly withLoss: boolean;
}

export interface BackTest {
  readonly evaluations: number;
  readonly tooFewSamples: number;
  readonly fired: readonly FiredEpisode[];
}

/** As the rules do: two minutes before it fires, and one incident when it comes back within fifteen. */
const FOR_MS = 2 * 60_000;
const KEEP_FIRING_MS = 15 * 60_000;

/** A p that is not a number comes from too little data, with which no threshold alerts. */
const below =
  (name: string): Signal['significant'] =>
  (outcome, { significantP }) =>
    number(outcome[name]) < significantP;

export const SIGNALS: Readonly<Record<string, Signal>> = {
  accuracy_drop: { check: 'performance', figure: ({ drop }) => number(drop), significant: below('dropPValue') },
  mae_rise: { check: 'performance', figure: ({ drop }) => number(drop), significant: below('dropPValue') },
  calibration_gap: {
    check: 'performance',
    figure: ({ calibrationGapChange }) => number(calibrationGapChange),
    significant: below('calibrationPValue'),
  },
  kl_divergence: {
    check: 'data_drift',
    figure: ({ features }, { ksPValue }) =>
      Math.max(
        -Infinity,
        ...rows(features)
          .filter(({ pValue }) => number(pValue) < ksPValue)
          .map(({ klDivergence }) => number(klDivergence))
          .filter((value) => !Number.isNaN(value)),
      ),
    significant: () => true,
  },
  ks_statistic: {
    check: 'prediction_drift',
    figure: ({ ksStatistic }) => number(ksStatistic),
    significant: ({ pValue }, { ksPValue }) => number(pValue) < ksPValue,
    inclusive: true,
  },
  latency_spike: { check: 'latency', figure: ({ spikeRatio }) => number(spikeRatio), significant: below('pValue') },
  error_rate: { check: 'error_rate', figure: ({ errorRatio }) => number(errorRatio), significant: () => true },
  data_quality: {
    check: 'data_quality',
    figure: ({ largestExcess }) => number(largestExcess),
    significant: () => true,
  },
};

/** What a threshold would have fired over stored evaluations of one version, in order of time. No evaluations: nothing fired. */
export function backTest(
  signal: Signal,
  evaluations: readonly EvaluatedCheck[],
  threshold: number,
  limits: BackTestLimits,
  losses: readonly LossEpisode[],
): BackTest {
  let tooFewSamples = 0;
  const episodes: { fromMs: number; toMs: number; peak: number; samples: number }[] = [];
  for (const { atMs, outcome } of evaluations) {
    const value = signal.figure(outcome, limits);
    if (!(value > threshold || (signal.inclusive === true && value === threshold))) continue;
    const samples = number(outcome.samples);
    if (!(samples >= limits.minimumSamples)) {
      tooFewSamples++;
      continue;
    }
    if (!signal.significant(outcome, limits)) continue;
    const last = episodes.at(-1);
    if (last !== undefined && atMs - last.toMs <= KEEP_FIRING_MS) {
      last.toMs = atMs;
      last.peak = Math.max(last.peak, value);
      last.samples = Math.min(last.samples, samples);
    } else episodes.push({ fromMs: atMs, toMs: atMs, peak: value, samples });
  }
  const fired = episodes
    .filter(({ fromMs, toMs }) => toMs - fromMs >= FOR_MS)
    .map((episode) => ({
      ...episode,
      withLoss: losses.some((loss) => loss.fromMs <= episode.toMs + loss.windowMs && loss.toMs >= episode.fromMs),
    }));
  return { evaluations: evaluations.length, tooFewSamples, fired };
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : NaN;
}

function rows(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? (value as readonly Readonly<Record<string, unknown>>[]) : [];
}
