import type { PerformanceFigures } from '../domain/health.ts';

export type MetricType = 'gauge' | 'counter' | 'histogram';

/** A metric family as data: what HELP and TYPE say, and the label names in the order in which they are written. */
export interface Family<Labels extends readonly string[] = readonly string[], Type extends MetricType = MetricType> {
  readonly name: string;
  readonly type: Type;
  /** One sentence without backslash, quote or newline, so that neither format has to escape it. */
  readonly help: string;
  readonly labels: Labels;
}
export type ScalarFamily<Labels extends readonly string[] = readonly string[]> = Family<Labels, 'gauge' | 'counter'>;
export type HistogramFamily<Labels extends readonly string[] = readonly string[]> = Family<Labels, 'histogram'>;

/** One value per label of the family, in the family's order. */
export type LabelValues<Labels extends readonly string[]> = { readonly [K in keyof Labels]: string };

const MODEL = ['model', 'version'] as const;
const WINDOW = [...MODEL, 'window'] as const;
const FEATURE = [...MODEL, 'feature'] as const;
const SEGMENT = [...MODEL, 'segment', 'value'] as const;
const FEATURE_WINDOW = [...FEATURE, 'window'] as const;

/** Families of a model version. Order of declaration is order of exposition; a publisher uses them by key. */
export const modelFamilies = {
  info: gauge('ml_model_info', 'Always 1; says what the model predicts and where its baseline comes from.', [
    ...MODEL,
    'task',
    'baseline',
  ]),
  healthScore: gauge('ml_model_health_score', 'Health from 0 (worst) to 100, over the checks that have data.', MODEL),
  healthCoverage: gauge('ml_model_health_coverage_ratio', 'Share of the check weight that has data.', MODEL),
  healthLevel: gauge('ml_model_health_level', '1 for the level that the health score falls in, else 0.', [
    ...MODEL,
    'level',
  ]),
  checkScore: gauge('ml_model_check_score', 'Score of a check from 0 (worst) to 100.', [...MODEL, 'check']),
  checkWeight: gauge('ml_model_check_weight_ratio', 'Configured weight of a check in the health score.', [
    ...MODEL,
    'check',
  ]),
  checkSamples: gauge('ml_model_check_samples', 'Rows of the window that the verdict of a check rests on.', [
    ...MODEL,
    'check',
  ]),
  checkState: gauge('ml_model_check_state', '1 for the state that a check is in, else 0.', [
    ...MODEL,
    'check',
    'state',
  ]),
  baselineTimestamp: gauge('ml_model_baseline_timestamp_seconds', 'When the active baseline was made.', MODEL),
  alertThreshold: gauge('ml_alert_threshold', 'Threshold of a signal that is in force, for rules to compare with.', [
    ...MODEL,
    'signal',
    'severity',
  ]),

  segmentHealth: gauge('ml_segment_health_score', 'Health of a segment from 0 (worst) to 100.', SEGMENT),
  segmentCheckScore: gauge('ml_segment_check_score', 'Score of a check of a segment from 0 (worst) to 100.', [
    ...SEGMENT,
    'check',
  ]),
  segmentSamples: gauge(
    'ml_segment_window_samples',
    'Predictions of a segment in the largest of its windows.',
    SEGMENT,
  ),

  predictions: counter('ml_predictions_total', 'Predictions accepted.', MODEL),
  predictionErrors: counter('ml_prediction_errors_total', 'Failed predictions by reason.', [...MODEL, 'reason']),
  predictionDuration: histogram('ml_prediction_duration_seconds', 'Inference latency of predictions.', MODEL),
  predictedClass: counter('ml_predicted_class_total', 'Predictions by predicted class.', [...MODEL, 'class']),
  lastPrediction: gauge('ml_last_prediction_timestamp_seconds', 'Event time of the newest prediction.', MODEL),
  latency: gauge('ml_model_latency_seconds', 'Inference latency over the window: p50, p95, p99 or max.', [
    ...WINDOW,
    'statistic',
  ]),
  latencyAverage: gauge('ml_model_latency_average_seconds', 'Mean inference latency over the window.', WINDOW),
  latencyBaselineAverage: gauge(
    'ml_model_latency_baseline_average_seconds',
    'Mean inference latency of the baseline that the window is compared with.',
    WINDOW,
  ),
  latencySpike: gauge(
    'ml_model_latency_spike_ratio',
    'Mean latency of the window over the mean latency of the baseline.',
    WINDOW,
  ),
  errorRatio: gauge('ml_model_error_ratio', 'Failed share of the predictions of the window.', WINDOW),
  confidenceAverage: gauge(
    'ml_model_confidence_average_ratio',
    'Mean score of the predicted class over the window.',
    WINDOW,
  ),

  accuracyBound: gauge(
    'ml_model_accuracy_bound_ratio',
    'Bounds of the 95 percent Wilson interval of the accuracy over the window.',
    [...WINDOW, 'bound'],
  ),
  accuracyDrop: gauge('ml_model_accuracy_drop_ratio', 'Baseline accuracy minus accuracy over the window.', WINDOW),
  estimatedAccuracy: gauge(
    'ml_model_estimated_accuracy_ratio',
    'Accuracy over the window as the calibration of the baseline lets expect, without labels.',
    WINDOW,
  ),
  estimatedRocAuc: gauge(
    'ml_model_estimated_roc_auc_ratio',
    'Area under the ROC curve over the window as the calibration of the baseline lets expect, without labels.',
    WINDOW,
  ),
  estimatedAccuracyError: gauge(
    'ml_model_estimated_accuracy_error_ratio',
    'Estimated minus realised accuracy, over the labelled predictions of the window.',
    WINDOW,
  ),
  estimatedRocAucError: gauge(
    'ml_model_estimated_roc_auc_error_ratio',
    'Estimated minus realised area under the ROC curve, over the labelled predictions of the window.',
    WINDOW,
  ),
  confusion: counter('ml_model_confusion_total', 'Labelled predictions by predicted and actual class.', [
    ...MODEL,
    'predicted',
    'actual',
  ]),
  labels: counter('ml_labels_total', 'Labels joined to their predictions.', MODEL),
  labelsUnmatched: counter('ml_labels_unmatched_total', 'Labels that wait for their predictions or have none.', MODEL),
  labelDelay: histogram('ml_label_delay_seconds', 'Time from a prediction to its label.', MODEL),
  labelCoverage: gauge('ml_label_coverage_ratio', 'Labelled share of the predictions of the window.', WINDOW),
  lastLabel: gauge('ml_last_label_timestamp_seconds', 'Time of the newest label.', MODEL),

  featureKlDivergence: gauge(
    'ml_feature_drift_kl_divergence_nats',
    'Kullback-Leibler divergence of the window from the baseline, on the deciles of the baseline.',
    FEATURE_WINDOW,
  ),
  featurePsi: gauge('ml_feature_drift_psi', 'Population stability index against the baseline.', FEATURE_WINDOW),
  featureJsDistance: gauge(
    'ml_feature_drift_js_distance',
    'Jensen-Shannon distance (base 2) from the baseline.',
    FEATURE_WINDOW,
  ),
  featureKsStatistic: gauge(
    'ml_feature_drift_ks_statistic',
    'Certified lower bound of the Kolmogorov-Smirnov statistic; for categories the total variation distance.',
    FEATURE_WINDOW,
  ),
  featureKsStatisticBound: gauge(
    'ml_feature_drift_ks_statistic_bound',
    'Certified upper bound of the Kolmogorov-Smirnov statistic.',
    FEATURE_WINDOW,
  ),
  featurePValue: gauge(
    'ml_feature_drift_ks_pvalue',
    'Benjamini-Hochberg adjusted p-value of Kolmogorov-Smirnov; for categories of chi-square.',
    FEATURE_WINDOW,
  ),
  featureWasserstein: gauge(
    'ml_feature_drift_wasserstein',
    'Wasserstein-1 distance from the baseline in standard deviations of the baseline.',
    FEATURE_WINDOW,
  ),
  featureWindowSamples: gauge(
    'ml_feature_window_samples',
    'Rows of the window that the drift of a feature rests on.',
    FEATURE_WINDOW,
  ),
  featureBaselineSamples: gauge(
    'ml_feature_baseline_samples',
    'Rows of the baseline that the drift of a feature rests on.',
    FEATURE,
  ),
  driftedFeatures: gauge('ml_model_drifted_features', 'Number of features with that verdict.', [...WINDOW, 'verdict']),
  predictionKlDivergence: gauge(
    'ml_prediction_drift_kl_divergence_nats',
    'Kullback-Leibler divergence of the predictions of the window from those of the baseline.',
    WINDOW,
  ),
  predictionPsi: gauge('ml_prediction_drift_psi', 'Population stability index of the predictions.', WINDOW),
  predictionKsStatistic: gauge(
    'ml_prediction_drift_ks_statistic',
    'Certified lower bound of the Kolmogorov-Smirnov statistic of the predictions; without scores the total variation distance of the classes.',
    WINDOW,
  ),
  predictionPValue: gauge(
    'ml_prediction_drift_ks_pvalue',
    'P-value of the test that the predictions of the window and of the baseline are of one distribution.',
    WINDOW,
  ),
  predictionMeanShift: gauge(
    'ml_prediction_drift_mean_shift',
    'Mean score (or predicted value) of the window minus that of the baseline.',
    WINDOW,
  ),
  featureValues: counter('ml_feature_values_total', 'Rows in which the feature was expected.', FEATURE),
  featureMissing: counter('ml_feature_missing_values_total', 'Rows without a value of the feature.', FEATURE),
  featureTypeErrors: counter(
    'ml_feature_type_errors_total',
    'Values that are not of the type of the feature.',
    FEATURE,
  ),
  featureOutOfRange: counter('ml_feature_out_of_range_total', 'Values outside the configured range.', FEATURE),
  featureUnseenCategories: counter(
    'ml_feature_unseen_categories_total',
    'Values that are no category of the baseline.',
    FEATURE,
  ),
  featureOutliers: counter(
    'ml_feature_outliers_total',
    'Values more than three interquartile ranges outside the quartiles of the baseline.',
    FEATURE,
  ),
  featureBin: counter('ml_feature_bin_total', 'Values by decile of the baseline, or by category.', [...FEATURE, 'bin']),
  featureBaselineBin: gauge('ml_feature_baseline_bin_ratio', 'Share of the values of the baseline in the bin.', [
    ...FEATURE,
    'bin',
  ]),
};

/** A figure of model quality: a family for the window and one for the baseline. */
export interface PerformanceFamilies {
  readonly figure: keyof PerformanceFigures;
  readonly window: ScalarFamily<typeof WINDOW>;
  readonly baseline: ScalarFamily<typeof MODEL>;
}

export const performanceFamilies: readonly PerformanceFamilies[] = [
  figure('accuracy', 'accuracy_ratio', 'Share of correct predictions'),
  figure('balancedAccuracy', 'balanced_accuracy_ratio', 'Mean recall of the classes'),
  figure('precision', 'precision_ratio', 'Precision of the positive class, or macro average'),
  figure('recall', 'recall_ratio', 'Recall of the positive class, or macro average'),
  figure('f1', 'f1_ratio', 'F1 of the positive class, or macro average'),
  figure('rocAuc', 'roc_auc_ratio', 'Area under the ROC curve'),
  figure('averagePrecision', 'average_precision_ratio', 'Average precision of the scores'),
  figure('logLoss', 'log_loss', 'Mean negative log likelihood of the actual class'),
  figure('brierScore', 'brier_score', 'Mean squared error of the scores'),
  figure('calibrationGap', 'calibration_gap', 'Mean score minus observed rate of the positive class'),
  figure('meanAbsoluteError', 'mean_absolute_error', 'Mean absolute error, in units of the target'),
  figure('rootMeanSquaredError', 'root_mean_squared_error', 'Root mean squared error, in units of the target'),
  figure('r2', 'r2', 'Coefficient of determination'),
  figure('bias', 'bias', 'Mean of prediction minus actual value, in units of the target'),
];

/** How much room models take in the exposition. By model: its versions share one budget. */
export const seriesFamilies = {
  series: gauge('ml_exporter_series', 'Samples exposed for the model.', ['model']),
  limit: gauge('ml_exporter_series_limit', 'Most samples that are exposed for the model.', ['model']),
  dropped: counter(
    'ml_exporter_series_dropped_total',
    'Samples left out of evaluations because the limit was reached.',
    ['model'],
  ),
};

/** Retraining of a model: jobs are the model's, not a version's. */
export const retrainingFamilies = {
  trainedTimestamp: gauge('ml_model_trained_timestamp_seconds', 'When the version in charge was trained.', MODEL),
  needed: gauge('ml_retraining_needed', '1 if the reason speaks for retraining now, else 0.', ['model', 'reason']),
  jobState: gauge('ml_retraining_job_state', '1 for the state of the newest job, else 0.', ['model', 'state']),
  jobs: counter('ml_retraining_jobs_total', 'Jobs that have ended, by outcome.', ['model', 'outcome']),
  jobDuration: histogram('ml_retraining_job_duration_seconds', 'Time from the request of a job to its end.', [
    'model',
    'outcome',
  ]),
  cooldownEnd: gauge('ml_retraining_cooldown_end_timestamp_seconds', 'Until when no job starts by itself.', ['model']),
};

/** What the series store holds, in the order of exposition. */
export const STORE_FAMILIES: readonly Family[] = [
  ...Object.values(modelFamilies),
  ...performanceFamilies.flatMap(({ window, baseline }) => [window, baseline]),
  ...Object.values(retrainingFamilies),
  ...Object.values(seriesFamilies),
];

/** What became of alerts, counted by the replica that was told: sum without (instance). */
export const alertFamilies = {
  notifications: counter(
    'ml_alert_notifications_total',
    'Alerts that Alertmanager told of, each beginning and end once.',
    ['alertname', 'severity', 'status'],
  ),
  verdicts: counter('ml_alert_verdicts_total', 'Verdicts on alerts, by persons and by later labels.', [
    'alertname',
    'verdict',
  ]),
  timeToAcknowledge: histogram(
    'ml_alert_time_to_acknowledge_seconds',
    'Time from the beginning of an alert to its acknowledgement.',
    ['alertname'],
  ),
  duration: histogram('ml_alert_duration_seconds', 'How long alerts fired.', ['alertname']),
};

/** The exporter's own health; prom-client holds these (self-metrics.ts). */
export const exporterFamilies = {
  buildInfo: gauge('ml_exporter_build_info', 'Always 1; says which build is running.', ['version', 'revision']),
  databaseUp: gauge('ml_exporter_database_up', '1 if the last query reached PostgreSQL, else 0.', []),
  leader: gauge('ml_exporter_leader', '1 if this exporter evaluates and exposes the models, else 0.', []),
  configLastReloadSuccessful: gauge(
    'ml_exporter_config_last_reload_successful',
    '1 if the last load of the configuration succeeded, else 0.',
    [],
  ),
  configLastReloadSuccessTimestamp: gauge(
    'ml_exporter_config_last_reload_success_timestamp_seconds',
    'When the configuration in force was loaded.',
    [],
  ),
  evaluationSuccess: gauge(
    'ml_exporter_evaluation_success',
    '1 if the check ran for every model in the last evaluation, else 0.',
    ['check'],
  ),
  evaluationDuration: gauge('ml_exporter_evaluation_duration_seconds', 'How long the last evaluation took.', []),
  evaluationLastSuccessTimestamp: gauge(
    'ml_exporter_evaluation_last_success_timestamp_seconds',
    'When the last evaluation without a failed check ended.',
    [],
  ),
  ingestRecords: counter('ml_exporter_ingest_records_total', 'Records stored.', ['kind']),
  ingestRejected: counter('ml_exporter_ingest_rejected_total', 'Records refused, by the key at fault.', [
    'kind',
    'reason',
  ]),
  ingestDuplicates: counter('ml_exporter_ingest_duplicates_total', 'Records that were already stored.', ['kind']),
  ingestQueueLength: gauge('ml_exporter_ingest_queue_length', 'Requests that wait to be stored.', []),
  ingestQueueCapacity: gauge(
    'ml_exporter_ingest_queue_capacity',
    'Requests that may wait before more are refused.',
    [],
  ),
};

export const FAMILIES: readonly Family[] = [
  ...STORE_FAMILIES,
  ...Object.values(alertFamilies),
  ...Object.values(exporterFamilies),
];

function gauge<const L extends readonly string[]>(name: string, help: string, labels: L): Family<L, 'gauge'> {
  return { name, type: 'gauge', help, labels };
}

function counter<const L extends readonly string[]>(name: string, help: string, labels: L): Family<L, 'counter'> {
  return { name, type: 'counter', help, labels };
}

function histogram<const L extends readonly string[]>(name: string, help: string, labels: L): Family<L, 'histogram'> {
  return { name, type: 'histogram', help, labels };
}

function figure(key: keyof PerformanceFigures, name: string, help: string): PerformanceFamilies {
  return {
    figure: key,
    window: gauge(`ml_model_${name}`, `${help}, over the predictions of the window.`, WINDOW),
    baseline: gauge(`ml_model_baseline_${name}`, `${help}, in the baseline.`, MODEL),
  };
}
