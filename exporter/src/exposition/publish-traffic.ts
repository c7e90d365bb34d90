import type { ErrorRateOutcome, LatencyOutcome } from '../domain/health.ts';
import type { ModelReport, ModelTotals } from '../domain/model-report.ts';
import { modelFamilies as families } from './families.ts';
import type { SeriesWriter } from './owner-series.ts';
import { windowLabel } from './window-label.ts';

/** Predictions, errors and latency: counters since the version was first seen, gauges over the windows. */
export function publishTraffic(w: SeriesWriter, report: ModelReport, totals: ModelTotals): void {
  const { model, version } = report;
  w.set(families.predictions, [model, version], totals.predictions);
  for (const [reason, count] of totals.errorsByReason)
    w.set(families.predictionErrors, [model, version, reason], count);
  w.histogram(families.predictionDuration, [model, version], totals.latency);
  for (const [name, count] of totals.predictedClasses) w.set(families.predictedClass, [model, version, name], count);
  w.set(families.lastPrediction, [model, version], totals.lastPredictionMs / 1000);
  publishLatency(w, report, report.checks.latency);
  publishErrors(w, report, report.checks.error_rate);
  const { prediction_drift: predictionDrift } = report.checks;
  if (predictionDrift.samples >= report.settings.minimumSamples.report)
    w.set(
      families.confidenceAverage,
      [model, version, windowLabel(predictionDrift.windowMs)],
      report.confidenceAverage,
    );
}

export function publishErrors(
  w: SeriesWriter,
  report: ModelReport,
  { samples, windowMs, errorRatio }: ErrorRateOutcome,
): void {
  if (samples >= report.settings.minimumSamples.report)
    w.set(families.errorRatio, [report.model, report.version, windowLabel(windowMs)], errorRatio);
}

/** By the number of samples and not by the check's state: latencies say something without a baseline too. */
export function publishLatency(
  w: SeriesWriter,
  { model, version, settings }: ModelReport,
  latency: LatencyOutcome,
): void {
  if (latency.samples < settings.minimumSamples.report) return;
  const window = windowLabel(latency.windowMs);
  w.set(families.latency, [model, version, window, 'p50'], latency.p50Seconds);
  w.set(families.latency, [model, version, window, 'p95'], latency.p95Seconds);
  w.set(families.latency, [model, version, window, 'p99'], latency.p99Seconds);
  w.set(families.latency, [model, version, window, 'max'], latency.maxSeconds);
  w.set(families.latencyAverage, [model, version, window], latency.averageSeconds);
  w.set(families.latencyBaselineAverage, [model, version, window], latency.baselineAverageSeconds);
  w.set(families.latencySpike, [model, version, window], latency.spikeRatio);
}
