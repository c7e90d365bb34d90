import type { ModelReport, ModelTotals } from '../domain/model-report.ts';

/**
 * The features that get series of their own: all, or the `exposition.features: worst:N` ones. Bad is how far a feature is towards
 * (or past) the threshold of drift or of data quality, whichever is nearer; equals go by name.
 */
export function worstFeatures({ checks, settings }: ModelReport, totals: ModelTotals): ReadonlySet<string> {
  const { data_drift: drift, data_quality: quality } = checks;
  const badness = new Map<string, number>();
  for (const { feature } of totals.features) badness.set(feature, 0);
  for (const { feature, klDivergence } of drift.features)
    badness.set(feature, (klDivergence || 0) / settings.thresholds.driftScore);
  const { worstFeatures: kept } = settings.exposition;
  if (kept >= badness.size) return new Set(badness.keys());
  for (const { feature, share, baselineShare } of quality.issues) {
    const excess = (share - (baselineShare || 0)) / settings.thresholds.dataQuality;
    badness.set(feature, Math.max(badness.get(feature) ?? 0, excess));
  }
  const ranked = [...badness].sort(([a, badnessA], [b, badnessB]) => badnessB - badnessA || (a < b ? -1 : 1));
  return new Set(ranked.slice(0, kept).map(([feature]) => feature));
}
