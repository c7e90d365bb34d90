import type { ModelReport, ModelTotals } from '../domain/model-report.ts';
import { modelFamilies as families } from './families.ts';
import type { SeriesWriter } from './owner-series.ts';
import { worstFeatures } from './worst-features.ts';

/** The counts of each bin and the baseline's shares, so that PromQL can compute drift over any window (opt-in: many series). */
export function publishBins(w: SeriesWriter, report: ModelReport, totals: ModelTotals): void {
  if (totals.bins.length === 0) return;
  const { model, version } = report;
  const shown = worstFeatures(report, totals);
  for (const { feature, bins } of totals.bins) {
    if (!shown.has(feature)) continue;
    for (const { bin, count, baselineRatio } of bins) {
      w.set(families.featureBin, [model, version, feature, bin], count);
      w.set(families.featureBaselineBin, [model, version, feature, bin], baselineRatio);
    }
  }
}
