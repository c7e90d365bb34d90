import type { DataDriftOutcome, FeatureDrift, PredictionDriftOutcome } from '../domain/health.ts';
import type { FeatureTotals, ModelReport, ModelTotals } from '../domain/model-report.ts';
import { modelFamilies as families } from './families.ts';
import type { SeriesWriter } from './owner-series.ts';
import { windowLabel } from './window-label.ts';
import { worstFeatures } from './worst-features.ts';

/** Drift of the predictions and of the features, and counters of the features' quality. */
export function publishDrift(w: SeriesWriter, report: ModelReport, totals: ModelTotals): void {
  publishPredictionDrift(w, report, report.checks.prediction_drift);
  const shown = worstFeatures(report, totals);
  publishFeatureDrift(w, report, report.checks.data_drift, shown);
  for (const feature of totals.features) if (shown.has(feature.feature)) publishQuality(w, report, feature);
}

export function publishPredictionDrift(
  w: SeriesWriter,
  { model, version }: ModelReport,
  drift: PredictionDriftOutcome,
): void {
  if (drift.state === 'insufficient_data') return;
  const window = windowLabel(drift.windowMs);
  w.set(families.predictionKlDivergence, [model, version, window], drift.klDivergence);
  w.set(families.predictionPsi, [model, version, window], drift.psi);
  w.set(families.predictionKsStatistic, [model, version, window], drift.ksStatistic);
  w.set(families.predictionPValue, [model, version, window], drift.pValue);
  w.set(families.predictionMeanShift, [model, version, window], drift.meanShift);
}

export function publishFeatureDrift(
  w: SeriesWriter,
  report: ModelReport,
  { features, state, windowMs }: DataDriftOutcome,
  shown: ReadonlySet<string>,
): void {
  const { model, version } = report;
  const window = windowLabel(windowMs);
  if (state !== 'insufficient_data') {
    for (const verdict of ['moderate', 'significant'] as const)
      w.set(
        families.driftedFeatures,
        [model, version, window, verdict],
        features.filter((f) => f.verdict === verdict).length,
      );
  }
  for (const feature of features) if (shown.has(feature.feature)) publishFeature(w, report, window, feature);
}

function publishFeature(w: SeriesWriter, { model, version }: ModelReport, window: string, drift: FeatureDrift): void {
  const { feature } = drift;
  w.set(families.featureWindowSamples, [model, version, feature, window], drift.samples);
  w.set(families.featureBaselineSamples, [model, version, feature], drift.baselineSamples);
  if (drift.verdict === 'insufficient_data') return;
  w.set(families.featureKlDivergence, [model, version, feature, window], drift.klDivergence);
  w.set(families.featurePsi, [model, version, feature, window], drift.psi);
  w.set(families.featureJsDistance, [model, version, feature, window], drift.jsDistance);
  w.set(families.featureKsStatistic, [model, version, feature, window], drift.ksStatistic);
  w.set(families.featureKsStatisticBound, [model, version, feature, window], drift.ksStatisticUpper);
  w.set(families.featurePValue, [model, version, feature, window], drift.pValue);
  w.set(families.featureWasserstein, [model, version, feature, window], drift.wasserstein);
}

function publishQuality(w: SeriesWriter, { model, version }: ModelReport, totals: FeatureTotals): void {
  const { feature } = totals;
  w.set(families.featureValues, [model, version, feature], totals.values);
  w.set(families.featureMissing, [model, version, feature], totals.missing);
  w.set(families.featureTypeErrors, [model, version, feature], totals.typeErrors);
  if (totals.kind === 'categorical') {
    w.set(families.featureUnseenCategories, [model, version, feature], totals.unseenCategories);
    return;
  }
  w.set(families.featureOutOfRange, [model, version, feature], totals.outOfRange);
  w.set(families.featureOutliers, [model, version, feature], totals.outliers);
}
