import type { DataDriftOutcome, DriftVerdict, FeatureDrift, Repetition, SequentialDrift } from '../domain/health.ts';
import type { Thresholds } from '../domain/settings.ts';
import { FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { FeatureColumn } from '../histogram/model-columns.ts';
import { benjaminiHochberg } from '../statistics/multiple-testing.ts';
import type { Check, ModelBaseline, ModelContext, ModelCounts } from './check.ts';
import { categoricalDrift, numericDrift } from './feature-drift.ts';
import type { ColumnDrift } from './feature-drift.ts';
import { INSUFFICIENT, stateOf } from './gate.ts';
import { ramp } from './ramp.ts';
import { designEffectOf, repetitionOf, tooRepetitive, UNKNOWN_REPETITION } from './repetition.ts';
import { sequentialDrift } from './sequential-drift.ts';

/** Every feature of the window against its baseline, with p-values adjusted over the features tested together. */
export const dataDrift: Check<DataDriftOutcome> = {
  name: 'data_drift',
  needs: ['features'],
  evaluate(context: ModelContext, window: ModelCounts, windowMs: number): DataDriftOutcome {
    const { baseline, settings } = context;
    const samples = window.features.rows;
    const sequential = sequentialDrift(context, windowMs);
    const rest = { windowMs, samples, sequential };
    if (baseline === null) return { ...INSUFFICIENT, ...rest, reason: 'there is no baseline yet', features: [] };
    const features = compareFeatures(context, baseline, window, windowMs);
    const judged = features.filter(({ verdict }) => verdict !== 'insufficient_data');
    if (judged.length === 0) return { ...INSUFFICIENT, ...rest, reason: whyNone(context, samples, features), features };
    const significant = judged.filter(({ verdict }) => verdict === 'significant');
    const finding = {
      alert: significant.length > 0,
      warning: sequential?.alarm === true || judged.some(({ verdict }) => verdict === 'moderate'),
      samples: Math.max(0, ...significant.map((feature) => feature.samples)),
    };
    return {
      state: stateOf(finding, settings.minimumSamples.alert),
      score: scoreOf(judged, settings.thresholds),
      reason: sequential?.alarm === true ? whySequential(sequential) : null,
      ...rest,
      features,
    };
  },
};

function whySequential({ sinceMs, samples, logEValue, feature }: SequentialDrift): string {
  const odds = `e-value 10^${(logEValue / Math.LN10).toFixed(1)}`;
  return `the ${samples} predictions since ${new Date(sinceMs).toISOString()} do not look like the baseline (${odds}), ${feature} least of all`;
}

function compareFeatures(
  context: ModelContext,
  baseline: ModelBaseline,
  window: ModelCounts,
  windowMs: number,
): FeatureDrift[] {
  const drifts = context.columns.map((feature) => driftOf(context, feature, baseline, window, windowMs));
  const enough = drifts.map(
    (drift) =>
      drift !== null &&
      drift.samples >= context.settings.minimumSamples.report &&
      drift.baselineSamples > 0 &&
      tooRepetitive(drift) === null,
  );
  const adjusted = benjaminiHochberg(drifts.map((drift, i) => (enough[i] === true ? drift!.pValue : NaN)));
  const comparisons = enough.filter(Boolean).length;
  return context.columns.map((feature, i) =>
    describe(feature, drifts[i]!, adjusted[i]!, enough[i]!, comparisons, context.settings.thresholds),
  );
}

/** null: the feature joined after the baseline was made. */
function driftOf(
  context: ModelContext,
  { kind, column }: FeatureColumn,
  baseline: ModelBaseline,
  window: ModelCounts,
  windowMs: number,
): ColumnDrift | null {
  const bins = context.scheme.features[column - FIRST_FEATURE_COLUMN];
  const designEffect = designEffectOf(context.designEffects, column, windowMs);
  baseline.features.ensureColumns(column + 1);
  if (kind === 'numeric' && bins?.kind === 'numeric')
    return numericDrift(bins, baseline, window.features, column, designEffect);
  return bins?.kind === 'categorical'
    ? categoricalDrift(bins, baseline.features, window.features, column, designEffect)
    : null;
}

function describe(
  feature: FeatureColumn,
  drift: ColumnDrift | null,
  pValue: number,
  enough: boolean,
  comparisons: number,
  thresholds: Thresholds,
): FeatureDrift {
  const figures = enough && drift !== null ? drift : NO_DRIFT_FIGURES;
  const repetition = drift === null ? UNKNOWN_REPETITION : repetitionOf(drift, comparisons);
  return {
    feature: feature.name,
    kind: feature.kind,
    klDivergence: figures.klDivergence,
    psi: figures.psi,
    jsDistance: figures.jsDistance,
    ksStatistic: figures.effect,
    ksStatisticUpper: figures.effectUpper,
    pValue,
    wasserstein: figures.wasserstein,
    cramersV: figures.cramersV,
    verdict: enough ? verdictOf(figures, pValue, repetition, thresholds) : 'insufficient_data',
    samples: drift?.samples ?? 0,
    baselineSamples: drift?.baselineSamples ?? 0,
    repetition,
  };
}

const NO_DRIFT_FIGURES = {
  klDivergence: NaN,
  psi: NaN,
  jsDistance: NaN,
  effect: NaN,
  effectUpper: NaN,
  wasserstein: NaN,
  cramersV: NaN,
};

/**
 * Always with an adjusted p below the limit (KL over 200 categories averages 0.2 at 500 samples without any drift), and never for what
 * repetition alone may do.
 */
function verdictOf(
  { klDivergence, effect }: Pick<ColumnDrift, 'klDivergence' | 'effect'>,
  pValue: number,
  { ksNoiseFloor, klNoiseFloor }: Repetition,
  { ksPValue, driftScore, minKsStatistic }: Thresholds,
): DriftVerdict {
  if (!(pValue < ksPValue)) return 'none';
  if (klDivergence > Math.max(driftScore, klNoiseFloor)) return 'significant';
  const moderate =
    klDivergence > Math.max(driftScore / 3, klNoiseFloor) || effect >= Math.max(minKsStatistic, ksNoiseFloor);
  return moderate ? 'moderate' : 'none';
}

/** Half the worst feature's score, half the mean of all; a feature that is not significant by p scores 100. */
function scoreOf(judged: readonly FeatureDrift[], { ksPValue, driftScore }: Thresholds): number {
  let worst = 100;
  let sum = 0;
  for (const { pValue, klDivergence, repetition } of judged) {
    const score = pValue < ksPValue ? ramp(klDivergence, Math.max(driftScore, repetition.klNoiseFloor)) : 100;
    worst = Math.min(worst, score);
    sum += score;
  }
  return (worst + sum / judged.length) / 2;
}

function whyNone({ columns, settings }: ModelContext, rows: number, features: readonly FeatureDrift[]): string {
  if (columns.length === 0) return 'the predictions carry no features';
  for (const { samples, baselineSamples, repetition } of features) {
    const lacking = tooRepetitive({ samples, designEffect: repetition.designEffect });
    if (samples >= settings.minimumSamples.report && baselineSamples > 0 && lacking !== null) return lacking;
  }
  return `no feature has ${settings.minimumSamples.report} values in the window (${rows} predictions) and a baseline to compare with`;
}
