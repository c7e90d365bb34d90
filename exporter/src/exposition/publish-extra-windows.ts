import type { ModelReport, ModelTotals } from '../domain/model-report.ts';
import type { SeriesWriter } from './owner-series.ts';
import { publishFeatureDrift, publishPredictionDrift } from './publish-drift.ts';
import { publishLabelled } from './publish-performance.ts';
import { publishErrors, publishLatency } from './publish-traffic.ts';
import { worstFeatures } from './worst-features.ts';

/** The figures of the further windows, in the same families as those of the checks' own, under their own `window`. */
export function publishExtraWindows(w: SeriesWriter, report: ModelReport, totals: ModelTotals): void {
  if (report.extraWindows.length === 0) return;
  const shown = worstFeatures(report, totals);
  for (const { check, outcome } of report.extraWindows) {
    switch (check) {
      case 'performance':
        publishLabelled(w, report, outcome);
        break;
      case 'data_drift':
        publishFeatureDrift(w, report, outcome, shown);
        break;
      case 'prediction_drift':
        publishPredictionDrift(w, report, outcome);
        break;
      case 'latency':
        publishLatency(w, report, outcome);
        break;
      case 'error_rate':
        publishErrors(w, report, outcome);
        break;
      case 'data_quality':
        // No family of its own has a window: the report tells of it.
        break;
    }
  }
}
