import type { PerformanceOutcome } from '../domain/health.ts';
import type { ModelReport, ModelTotals } from '../domain/model-report.ts';
import { modelFamilies as families, performanceFamilies } from './families.ts';
import type { SeriesWriter } from './owner-series.ts';
import { windowLabel } from './window-label.ts';

/** Labels, and the model's quality by them: over the window, in the baseline, and the difference. */
export function publishPerformance(w: SeriesWriter, report: ModelReport, totals: ModelTotals): void {
  const { model, version, baseline } = report;
  w.set(families.labels, [model, version], totals.labels);
  w.set(families.labelsUnmatched, [model, version], totals.labelsUnmatched);
  w.histogram(families.labelDelay, [model, version], totals.labelDelay);
  w.set(families.lastLabel, [model, version], totals.lastLabelMs / 1000);
  for (const { predicted, actual, count } of totals.confusion)
    w.set(families.confusion, [model, version, predicted, actual], count);
  publishLabelled(w, report, report.checks.performance);
  if (baseline.performance === null) return;
  for (const { figure, baseline: family } of performanceFamilies)
    w.set(family, [model, version], baseline.performance[figure]);
}

export function publishLabelled(
  w: SeriesWriter,
  { model, version, task, settings }: ModelReport,
  outcome: PerformanceOutcome,
): void {
  const { figures, drop, samples, estimate, labelCoverage } = outcome;
  const window = windowLabel(outcome.windowMs);
  // Also of a window without enough labels: it says why there is nothing else.
  w.set(families.labelCoverage, [model, version, window], labelCoverage);
  // Beside the realised figures, never in their place: most of its use is before these are there.
  w.set(families.estimatedAccuracy, [model, version, window], estimate?.accuracy);
  w.set(families.estimatedRocAuc, [model, version, window], estimate?.rocAuc);
  // How far off it is where labels have come.
  w.set(families.estimatedAccuracyError, [model, version, window], estimate?.accuracyError);
  w.set(families.estimatedRocAucError, [model, version, window], estimate?.rocAucError);
  if (samples < Math.min(settings.minimumSamples.report, settings.minimumSamples.labels)) return;
  for (const { figure, window: family } of performanceFamilies)
    w.set(family, [model, version, window], figures[figure]);
  w.set(families.accuracyBound, [model, version, window, 'lower'], figures.accuracyLower);
  w.set(families.accuracyBound, [model, version, window, 'upper'], figures.accuracyUpper);
  // A regression's drop is the rise of its error, which a rule has from the two error families.
  if (task !== 'regression') w.set(families.accuracyDrop, [model, version, window], drop);
}
