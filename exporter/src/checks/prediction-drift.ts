import type { PredictionDriftOutcome } from '../domain/health.ts';
import { OTHER } from '../histogram/categories.ts';
import type { FeatureCounts } from '../histogram/counts.ts';
import { CLASS_COLUMN, SCORE_COLUMN } from '../histogram/model-columns.ts';
import { benjaminiHochberg } from '../statistics/multiple-testing.ts';
import type { Check, ModelBaseline, ModelContext, ModelCounts } from './check.ts';
import { classDrift, numericDrift } from './feature-drift.ts';
import type { ColumnDrift } from './feature-drift.ts';
import { INSUFFICIENT, stateOf, tooFew } from './gate.ts';
import { ramp } from './ramp.ts';
import { designEffectOf, repetitionOf, tooRepetitive, UNKNOWN_REPETITION } from './repetition.ts';

/**
 * What the model says, against what it said in the baseline: scores of a binary model and values of a regression by the KS test, classes
 * by chi-square; several classes with scores by both, and the worse counts.
 */
export const predictionDrift: Check<PredictionDriftOutcome> = {
  name: 'prediction_drift',
  needs: ['features'],
  evaluate(context: ModelContext, window: ModelCounts, windowMs: number): PredictionDriftOutcome {
    const { baseline, settings } = context;
    const unknown = { klDivergence: NaN, psi: NaN, ksStatistic: NaN, pValue: NaN, meanShift: NaN };
    const none = { ...unknown, repetition: UNKNOWN_REPETITION };
    if (baseline === null)
      return { ...INSUFFICIENT, ...none, reason: 'there is no baseline yet', windowMs, samples: window.features.rows };
    const compared = comparisons(context, baseline, window, windowMs);
    const worst = worstOf(compared, settings.thresholds.ksPValue);
    const samples = worst?.drift.samples ?? 0;
    const few = tooFew(samples, settings.minimumSamples, 'predictions with a score or class to compare');
    if (worst === null || few !== null) return { ...INSUFFICIENT, ...none, reason: few, windowMs, samples };
    const { drift, pValue } = worst;
    const repetition = repetitionOf(drift, compared.length);
    const lacking = tooRepetitive(drift);
    if (lacking !== null) return { ...INSUFFICIENT, ...none, repetition, reason: lacking, windowMs, samples };
    const { minKsStatistic, ksPValue } = settings.thresholds;
    const significant = pValue < ksPValue;
    const least = Math.max(minKsStatistic, repetition.ksNoiseFloor);
    const finding = {
      alert: significant && drift.effect >= least,
      warning: significant && drift.effect >= Math.max(minKsStatistic / 2, repetition.ksNoiseFloor),
      samples,
    };
    return {
      state: stateOf(finding, settings.minimumSamples.alert),
      score: significant ? ramp(drift.effect, 2 * least) : 100,
      reason: null,
      windowMs,
      samples,
      klDivergence: drift.klDivergence,
      psi: drift.psi,
      ksStatistic: drift.effect,
      pValue,
      meanShift: meanScore(window.features, context) - meanScore(baseline.features, context),
      repetition,
    };
  },
};

/** What the task gives to compare; a side without values is left out. */
function comparisons(
  { task, scheme, classes: names, designEffects }: ModelContext,
  baseline: ModelBaseline,
  { features: now }: ModelCounts,
  windowMs: number,
): ColumnDrift[] {
  const repeats = (column: number) => designEffectOf(designEffects, column, windowMs);
  const scores = () => numericDrift(scheme.score, baseline, now, SCORE_COLUMN, repeats(SCORE_COLUMN));
  const classes = () => classDrift(names.length, baseline.features, now, CLASS_COLUMN, OTHER, repeats(CLASS_COLUMN));
  const comparable = (drift: ColumnDrift) => drift.samples > 0 && drift.baselineSamples > 0;
  switch (task) {
    case 'regression':
      return [scores()].filter(comparable);
    case 'binary': {
      const byScore = scores();
      return [comparable(byScore) ? byScore : classes()].filter(comparable);
    }
    case 'multiclass':
      return [classes(), scores()].filter(comparable);
    case 'unknown':
      return [];
  }
}

/** The significant one with the largest effect; p adjusted over the comparisons made. */
function worstOf(
  drifts: readonly ColumnDrift[],
  limit: number,
): { readonly drift: ColumnDrift; readonly pValue: number } | null {
  const adjusted = benjaminiHochberg(drifts.map((drift) => drift.pValue));
  let worst: { readonly drift: ColumnDrift; readonly pValue: number } | null = null;
  for (const [i, drift] of drifts.entries()) {
    const one = { drift, pValue: adjusted[i]! };
    const weight = ({ drift: of, pValue }: typeof one) => of.effect + (pValue < limit ? 1 : 0);
    if (worst === null || weight(one) > weight(worst)) worst = one;
  }
  return worst;
}

/** Mean of the watched score or value; NaN without any. */
function meanScore(features: FeatureCounts, { scheme }: ModelContext): number {
  const counts = features.column(SCORE_COLUMN);
  let rows = 0;
  for (let code = 0; code <= scheme.score.edges.length; code++) rows += counts[code]!;
  return features.scoreSum / rows;
}
