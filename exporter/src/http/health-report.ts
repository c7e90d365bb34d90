import type {
  CheckOutcome,
  DataDriftOutcome,
  DataQualityOutcome,
  ErrorRateOutcome,
  FeatureDrift,
  LatencyOutcome,
  PerformanceEstimate,
  PerformanceFigures,
  PerformanceOutcome,
  PredictionDriftOutcome,
  Repetition,
  SequentialDrift,
} from '../domain/health.ts';
import type { ExtraWindow, ModelReport, SegmentReport } from '../domain/model-report.ts';

/**
 * A report in the words of the API. Figures that are not defined are null; a check without enough data has no score and says why.
 * Latencies are milliseconds, percentages 0-100, everything else as in the report.
 */
export function reportJson(report: ModelReport): Record<string, unknown> {
  return {
    model: report.model,
    version: report.version,
    task: report.task,
    evaluated_at: new Date(report.evaluatedAtMs).toISOString(),
    scheme: report.schemeId,
    ...summaryJson(report),
    recommendation: report.recommendation,
    baseline: {
      kind: report.baseline.kind,
      made_at: Number.isNaN(report.baseline.madeAtMs) ? null : new Date(report.baseline.madeAtMs).toISOString(),
      rows: report.baseline.rows,
      reason: report.baseline.reason,
    },
    window_predictions: report.windowPredictions,
    checks: checksJson(report),
    ...(report.segments.length === 0 ? {} : { segments: report.segments.map(segmentJson) }),
    ...(report.extraWindows.length === 0
      ? {}
      : { extra_windows: report.extraWindows.map((window) => extraJson(window, report.task)) }),
  };
}

/** What stands of each model in GET /api/ml/health, without its checks. */
function summaryJson({ health, severity }: Pick<ModelReport, 'health' | 'severity'>): Record<string, unknown> {
  return { overall_health: figure(health.score), level: health.level, coverage: figure(health.coverage), severity };
}

export function overviewJson(report: ModelReport): Record<string, unknown> {
  return { version: report.version, ...summaryJson(report), checks: checksJson(report) };
}

function checksJson({ task, checks }: ModelReport): Record<string, unknown> {
  return {
    performance: performanceJson(checks.performance, task),
    data_drift: driftJson(checks.data_drift),
    prediction_drift: predictionJson(checks.prediction_drift),
    latency: latencyJson(checks.latency),
    error_rate: errorsJson(checks.error_rate),
    data_quality: qualityJson(checks.data_quality),
  };
}

function segmentJson({ segment, value, windowPredictions, checks, ...report }: SegmentReport): Record<string, unknown> {
  return {
    segment,
    value,
    ...summaryJson(report),
    window_predictions: windowPredictions,
    checks: Object.fromEntries(
      Object.entries(checks).map(([name, { state, score, samples, reason }]) => [
        name,
        {
          state,
          alert: state === 'alert',
          ...(Number.isNaN(score) ? {} : { score }),
          ...(reason === null ? {} : { reason }),
          samples,
        },
      ]),
    ),
  };
}

/** As in `checks`, for each further window. */
function extraJson({ check, outcome }: ExtraWindow, task: ModelReport['task']): Record<string, unknown> {
  switch (check) {
    case 'performance':
      return { check, ...performanceJson(outcome, task) };
    case 'data_drift':
      return { check, ...driftJson(outcome) };
    case 'prediction_drift':
      return { check, ...predictionJson(outcome) };
    case 'latency':
      return { check, ...latencyJson(outcome) };
    case 'error_rate':
      return { check, ...errorsJson(outcome) };
    case 'data_quality':
      return { check, ...qualityJson(outcome) };
  }
}

function performanceJson(performance: PerformanceOutcome, task: ModelReport['task']): Record<string, unknown> {
  return {
    ...outcomeJson(performance),
    ...(task === 'regression' ? regressionJson(performance) : classificationJson(performance)),
    label_coverage: figure(performance.labelCoverage),
  };
}

function driftJson(drift: DataDriftOutcome): Record<string, unknown> {
  const features = drift.features.map(featureJson);
  return {
    ...outcomeJson(drift),
    drifted_features: features.filter(({ verdict }) => verdict === 'moderate' || verdict === 'significant'),
    features,
    ...(drift.sequential === null ? {} : { sequential: sequentialJson(drift.sequential) }),
  };
}

function sequentialJson(sequential: SequentialDrift): Record<string, unknown> {
  return {
    since: new Date(sequential.sinceMs).toISOString(),
    samples: sequential.samples,
    log_e_value: figure(sequential.logEValue),
    alarm_from: sequential.logEValueAlarm,
    alarm: sequential.alarm,
    feature: sequential.feature,
  };
}

function predictionJson(prediction: PredictionDriftOutcome): Record<string, unknown> {
  return {
    ...outcomeJson(prediction),
    ks_statistic: figure(prediction.ksStatistic),
    p_value: figure(prediction.pValue),
    mean_shift: figure(prediction.meanShift),
    kl_divergence: figure(prediction.klDivergence),
    psi: figure(prediction.psi),
    ...repetitionJson(prediction.repetition),
  };
}

function latencyJson(latency: LatencyOutcome): Record<string, unknown> {
  return {
    ...outcomeJson(latency),
    avg_latency_ms: milliseconds(latency.averageSeconds),
    baseline_avg_latency_ms: milliseconds(latency.baselineAverageSeconds),
    p50_latency_ms: milliseconds(latency.p50Seconds),
    p95_latency_ms: milliseconds(latency.p95Seconds),
    p99_latency_ms: milliseconds(latency.p99Seconds),
    max_latency_ms: milliseconds(latency.maxSeconds),
    latency_spike_ratio: figure(latency.spikeRatio),
  };
}

function errorsJson(errors: ErrorRateOutcome): Record<string, unknown> {
  return {
    ...outcomeJson(errors),
    error_rate: figure(errors.errorRatio),
    error_count: errors.errors,
    error_types: Object.fromEntries(errors.byReason),
  };
}

function qualityJson(quality: DataQualityOutcome): Record<string, unknown> {
  return {
    ...outcomeJson(quality),
    quality_issues: quality.issues.map(({ type, feature, share, baselineShare }) => ({
      type,
      feature,
      percentage: 100 * share,
      baseline_percentage: 100 * baselineShare,
    })),
  };
}

function outcomeJson({ state, score, reason, samples, windowMs }: CheckOutcome): Record<string, unknown> {
  return {
    state,
    alert: state === 'alert',
    ...(Number.isNaN(score) ? {} : { score }),
    ...(reason === null ? {} : { reason }),
    samples,
    window_seconds: windowMs / 1000,
  };
}

function classificationJson({
  figures,
  baseline,
  drop,
  calibrationGapChange,
  estimate,
}: PerformanceOutcome): Record<string, unknown> {
  return {
    recent_accuracy: figure(figures.accuracy),
    accuracy_interval: [figure(figures.accuracyLower), figure(figures.accuracyUpper)],
    baseline_accuracy: figure(baseline.accuracy),
    accuracy_drop: figure(drop),
    balanced_accuracy: figure(figures.balancedAccuracy),
    precision: figure(figures.precision),
    recall: figure(figures.recall),
    f1: figure(figures.f1),
    ...weightedJson(figures),
    auc: figure(figures.rocAuc),
    auc_interval: [figure(figures.rocAucLower), figure(figures.rocAucUpper)],
    average_precision: figure(figures.averagePrecision),
    log_loss: figure(figures.logLoss),
    brier_score: figure(figures.brierScore),
    ...calibrationJson(figures, baseline, calibrationGapChange),
    estimated: estimate === null ? null : estimateJson(estimate),
  };
}

/** Of several classes only. */
function weightedJson(figures: PerformanceFigures): Record<string, unknown> {
  if (Number.isNaN(figures.weightedF1)) return {};
  return {
    weighted_precision: figure(figures.weightedPrecision),
    weighted_recall: figure(figures.weightedRecall),
    weighted_f1: figure(figures.weightedF1),
  };
}

/** `error` is the estimate minus what came true, over the labelled predictions of the window. */
function estimateJson(estimate: PerformanceEstimate): Record<string, unknown> {
  return {
    accuracy: figure(estimate.accuracy),
    accuracy_standard_error: figure(estimate.accuracyStandardError),
    auc: figure(estimate.rocAuc),
    auc_standard_error: figure(estimate.rocAucStandardError),
    samples: estimate.samples,
    error: {
      accuracy: figure(estimate.accuracyError),
      auc: figure(estimate.rocAucError),
      samples: estimate.labelledSamples,
    },
  };
}

function calibrationJson(
  figures: PerformanceFigures,
  baseline: PerformanceFigures,
  change: number,
): Record<string, unknown> {
  return {
    calibration_gap: figure(figures.calibrationGap),
    baseline_calibration_gap: figure(baseline.calibrationGap),
    calibration_gap_change: figure(change),
    mean_score: figure(figures.meanScore),
    observed_rate: figure(figures.observedRate),
  };
}

function regressionJson({ figures, baseline, drop }: PerformanceOutcome): Record<string, unknown> {
  return {
    recent_mae: figure(figures.meanAbsoluteError),
    baseline_mae: figure(baseline.meanAbsoluteError),
    mae_rise: figure(drop),
    rmse: figure(figures.rootMeanSquaredError),
    r2: figure(figures.r2),
    bias: figure(figures.bias),
  };
}

function featureJson(drift: FeatureDrift): Record<string, unknown> & Pick<FeatureDrift, 'verdict'> {
  return {
    feature: drift.feature,
    kind: drift.kind,
    kl_divergence: figure(drift.klDivergence),
    ks_statistic: figure(drift.ksStatistic),
    ks_statistic_upper: figure(drift.ksStatisticUpper),
    p_value: figure(drift.pValue),
    psi: figure(drift.psi),
    js_distance: figure(drift.jsDistance),
    wasserstein: figure(drift.wasserstein),
    cramers_v: figure(drift.cramersV),
    verdict: drift.verdict,
    samples: drift.samples,
    baseline_samples: drift.baselineSamples,
    ...repetitionJson(drift.repetition),
  };
}

/** null: not known, for the baseline has no times or too few windows. */
function repetitionJson(repetition: Repetition): Record<string, unknown> {
  return {
    design_effect: figure(repetition.designEffect),
    effective_samples: figure(Math.floor(repetition.effectiveSamples)),
    ks_noise_floor: repetition.ksNoiseFloor,
    kl_noise_floor: repetition.klNoiseFloor,
  };
}

/** JSON has no NaN. */
function figure(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function milliseconds(seconds: number): number | null {
  return figure(seconds * 1000);
}
