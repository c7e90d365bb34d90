import type { DataDriftOutcome, DriftVerdict, FeatureDrift, SequentialDrift } from '../domain/health.ts';
import type { Thresholds } from '../domain/settings.ts';
import { FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { FeatureColumn } from '../histogram/model-columns.ts';
import { benjaminiHochberg } from '../statistics/multiple-testing.ts';
import type { Check, ModelBaseline, ModelContext, ModelCounts } from './check.ts';
import { categoricalDrift, numericDrift } from './feature-drift.ts';
import type { ColumnDrift } from './feature-drift.ts';
import { INSUFFICIENT, stateOf } from './gate.ts';
import { ramp } from './ramp.ts';
import { sequentialDrift } from './sequential-drift.ts';

/** Every feature of the window against its baseline, with p-values adjusted over the features tested together. */
export const dataDrift: Check<DataDriftOutcome> = {
  name: 'data_drift',
  needs: ['features'],
  evaluate(context: ModelContext, window: ModelCounts, windowMs: number): DataDriftOutcome {
    const { baseline, settings } = context;
    const samples = window.features.rows;
    const sequential = sequentialDrift(context);
    const rest = { windowMs, samples, sequential };
    if (baseline === null) return { ...INSUFFICIENT, ...rest, reason: 'there is no baseline yet', features: [] };
    const features = compareFeatures(context, baseline, window);
    const judged = features.filter(({ verdict }) => verdict !== 'insufficient_data');
    if (judged.length === 0) return { ...INSUFFICIENT, ...rest, reason: whyNone(context, samples), features };
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

function compareFeatures(context: ModelContext, baseline: ModelBaseline, window: ModelCounts): FeatureDrift[] {
  const drifts = context.columns.map((feature) => driftOf(context, feature, baseline, window));
  const enough = drifts.map(
    (drift) => drift !== null && drift.samples >= context.settings.minimumSamples.report && drift.baselineSamples > 0,
  );
  const adjusted = benjaminiHochberg(drifts.map((drift, i) => (enough[i] === true ? drift!.pValue : NaN)));
  return context.columns.map((feature, i) =>
    describe(feature, drifts[i]!, adjusted[i]!, enough[i]!, context.settings.thresholds),
  );
}

/** null: the feature joined after the baseline was made. */
function driftOf(
  context: ModelContext,
  { kind, column }: FeatureColumn,
  baseline: ModelBaseline,
  window: ModelCounts,
): ColumnDrift | null {
  const bins = context.scheme.features[column - FIRST_FEATURE_COLUMN];
  baseline.features.ensureColumns(column + 1);
  if (kind === 'numeric' && bins?.kind === 'numeric') return numericDrift(bins, baseline, window.features, column);
  return bins?.kind === 'categorical' ? categoricalDrift(bins, baseline.features, window.features, column) : null;
}

function describe(
  feature: FeatureColumn,
  drift: ColumnDrift | null,
  pValue: number,
  enough: boolean,
  thresholds: Thresholds,
): FeatureDrift {
  const figures = enough && drift !== null ? drift : NO_DRIFT_FIGURES;
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
    verdict: enough ? verdictOf(figures, pValue, thresholds) : 'insufficient_data',
    samples: drift?.samples ?? 0,
    baselineSamples: drift?.baselineSamples ?? 0,
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

/** Always with an adjusted p below the limit: KL over 200 categories averages 0.2 at 500 samples without any drift. */
function verdictOf(
  { klDivergence, effect }: Pick<ColumnDrift, 'klDivergence' | 'effect'>,
  pValue: number,
  thresholds: Thresholds,
): DriftVerdict {
  if (!(pValue < thresholds.ksPValue)) return 'none';
  if (klDivergence > thresholds.driftScore) return 'significant';
  return klDivergence > thresholds.driftScore / 3 || effect >= thresholds.minKsStatistic ? 'moderate' : 'none';
}

/** Half the worst feature's score, half the mean of all; a feature that is not significant by p scores 100. */
function scoreOf(judged: readonly FeatureDrift[], thresholds: Thresholds): number {
  let worst = 100;
  let sum = 0;
  for (const { pValue, klDivergence } of judged) {
    const score = pValue < thresholds.ksPValue ? ramp(klDivergence, thresholds.driftScore) : 100;
    worst = Math.min(worst, score);
    sum += score;
  }
  return (worst + sum / judged.length) / 2;
}

function whyNone({ columns, settings }: ModelContext, rows: number): string {
  if (columns.length === 0) return 'the predictions carry no features';
  return `no feature has ${settings.minimumSamples.report} values in the window (${rows} predictions) and a baseline to compare with`;
}
