import type { ModelReport } from '../domain/model-report.ts';
import { modelFamilies } from './families.ts';
import type { SeriesWriter } from './owner-series.ts';

/** From twice its threshold on, a signal is of high severity (statistics of the six checks). */
const HIGH = 2;

/** The thresholds in force, so that rules compare two series and a threshold of one model is a reload away. */
export function publishThresholds(w: SeriesWriter, { model, version, task, settings }: ModelReport): void {
  const { thresholds, minimumSamples } = settings;
  const set = (signal: string, severity: string, value: number) =>
    w.set(modelFamilies.alertThreshold, [model, version, signal, severity], value);
  const setGraded = (signal: string, threshold: number) => {
    set(signal, 'medium', threshold);
    set(signal, 'high', HIGH * threshold);
  };
  // The setting is one: what falls in a classifier is its accuracy, what rises in a regression is its error.
  setGraded(task === 'regression' ? 'mae_rise' : 'accuracy_drop', thresholds.accuracyDrop);
  setGraded('error_rate', thresholds.errorRate);
  set('calibration_gap', '', thresholds.calibrationGap);
  set('error_budget', '', thresholds.errorBudget);
  set('latency_budget', '', thresholds.latencyBudget);
  set('kl_divergence', '', thresholds.driftScore);
  set('ks_pvalue', '', thresholds.ksPValue);
  set('ks_statistic', '', thresholds.minKsStatistic);
  set('latency_spike', '', thresholds.latencySpike);
  set('data_quality', '', thresholds.dataQuality);
  set('min_samples', '', minimumSamples.alert);
  set('min_labels', '', minimumSamples.labels);
  set('label_coverage', '', settings.minimumLabelCoverage);
}
