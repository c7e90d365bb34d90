import type { ModelReport, ModelTotals } from '../domain/model-report.ts';
import { publishBins } from './publish-bins.ts';
import { publishDrift } from './publish-drift.ts';
import { publishExtraWindows } from './publish-extra-windows.ts';
import { publishHealth } from './publish-health.ts';
import { publishPerformance } from './publish-performance.ts';
import { publishSegments } from './publish-segments.ts';
import { publishThresholds } from './publish-thresholds.ts';
import { publishTraffic } from './publish-traffic.ts';
import type { SeriesStore } from './series-store.ts';

/**
 * Exposes what an evaluation found, in the place of what the one before it did. Most needed first: when the model's series limit is
 * reached, it is features that are left out. A version that was silent past its TTL loses all its series.
 */
export function publishModel(store: SeriesStore, report: ModelReport, totals: ModelTotals): void {
  if (isSilent(report, totals)) {
    store.drop(report);
    return;
  }
  store.update(report, (w) => {
    publishHealth(w, report);
    publishThresholds(w, report);
    publishTraffic(w, report, totals);
    publishPerformance(w, report, totals);
    publishSegments(w, report);
    publishDrift(w, report, totals);
    publishBins(w, report, totals);
    publishExtraWindows(w, report, totals);
  });
}

/** Nothing was heard of the version for its TTL. One that was never heard of is new, not silent. */
function isSilent({ evaluatedAtMs, settings }: ModelReport, { lastPredictionMs, lastLabelMs }: ModelTotals): boolean {
  const last = Number.isNaN(lastLabelMs) || lastPredictionMs > lastLabelMs ? lastPredictionMs : lastLabelMs;
  return evaluatedAtMs - last > settings.exposition.seriesTtlMs;
}
