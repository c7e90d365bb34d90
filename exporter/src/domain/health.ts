import type { CheckName } from './settings.ts';

export type CheckState = 'ok' | 'warning' | 'alert' | 'insufficient_data';
export const CHECK_STATES: readonly CheckState[] = ['ok', 'warning', 'alert', 'insufficient_data'];
export type HealthLevel = 'excellent' | 'good' | 'fair' | 'poor' | 'unknown';
export const HEALTH_LEVELS: readonly HealthLevel[] = ['excellent', 'good', 'fair', 'poor', 'unknown'];
export type Severity = 'high' | 'medium' | 'low' | 'none';
export type DriftVerdict = 'none' | 'moderate' | 'significant' | 'insufficient_data';
export type BaselineKind = 'reference' | 'captured' | 'rolling' | 'seasonal' | 'none';

/** What every check says. Figures that cannot be computed are NaN, never 0. */
export interface CheckOutcome {
  readonly state: CheckState;
  /** 0 (worst) to 100; NaN exactly when the state is insufficient_data. */
  readonly score: number;
  /** Why there is not enough data, or what raised the warning or alert; null when there is nothing to say. */
  readonly reason: string | null;
  readonly windowMs: number;
  /** Rows (labelled rows for performance) the verdict rests on. */
  readonly samples: number;
}

/** Model quality over a set of labelled predictions. NaN where the task or the data do not define a figure. Ratios are 0..1. */
export interface PerformanceFigures {
  readonly samples: number;
  readonly accuracy: number;
  /** 95 % Wilson interval of the accuracy. */
  readonly accuracyLower: number;
  readonly accuracyUpper: number;
  readonly balancedAccuracy: number;
  /** Of the positive class; macro average for several classes. */
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Averages weighted by how often each class occurs; NaN but for several classes. */
  readonly weightedPrecision: number;
  readonly weightedRecall: number;
  readonly weightedF1: number;
  /** Several classes: mean over the classes of each against the rest. */
  readonly rocAuc: number;
  /** 95 % interval of the area by Hanley and McNeil's standard error; NaN for several classes. */
  readonly rocAucLower: number;
  readonly rocAucUpper: number;
  readonly averagePrecision: number;
  readonly logLoss: number;
  readonly brierScore: number;
  /** Mean score minus observed rate of the positive class. */
  readonly calibrationGap: number;
  readonly meanScore: number;
  readonly observedRate: number;
  readonly meanAbsoluteError: number;
  readonly rootMeanSquaredError: number;
  readonly r2: number;
  readonly bias: number;
}

/** What the scores alone promise (CBPE): right while the baseline's calibration holds, and blind to concept drift. */
export interface PerformanceEstimate {
  /** Predictions of the window that it is made of, labelled or not. */
  readonly samples: number;
  readonly accuracy: number;
  /** Chance of the labels alone, not of the fit. */
  readonly accuracyStandardError: number;
  /** NaN for several classes. */
  readonly rocAuc: number;
  readonly rocAucStandardError: number;
  /** Estimate minus what came true, over the labelled predictions of the window alone; NaN while there are too few. */
  readonly accuracyError: number;
  readonly rocAucError: number;
  readonly labelledSamples: number;
}

export interface PerformanceOutcome extends CheckOutcome {
  readonly figures: PerformanceFigures;
  readonly baseline: PerformanceFigures;
  /** Baseline accuracy minus window accuracy; for a regression the relative rise of the mean absolute error. */
  readonly drop: number;
  /** |window calibration gap - baseline calibration gap|; NaN without binary scores. */
  readonly calibrationGapChange: number;
  /** One-sided, of the drop and of the change of the gap; NaN without enough data. */
  readonly dropPValue: number;
  readonly calibrationPValue: number;
  /** Labelled share of the window's predictions, 0..1. */
  readonly labelCoverage: number;
  /** null where it cannot be made: regressions, no scores, no labelled baseline, too few predictions. */
  readonly estimate: PerformanceEstimate | null;
}

export interface FeatureDrift {
  readonly feature: string;
  readonly kind: 'numeric' | 'categorical';
  /** KL(current || baseline) in nats, on coarse cells. */
  readonly klDivergence: number;
  readonly psi: number;
  readonly jsDistance: number;
  /** Lower end of the certified interval of the two-sample KS statistic; total variation distance for categories. */
  readonly ksStatistic: number;
  readonly ksStatisticUpper: number;
  /** Benjamini-Hochberg adjusted over the model's features. */
  readonly pValue: number;
  /** Wasserstein-1 distance in baseline standard deviations; NaN for categories. */
  readonly wasserstein: number;
  /** Of the chi-square test, for categories and numbers of few values, 0..1; NaN where the KS test is used. Shrinks with unequal sizes. */
  readonly cramersV: number;
  readonly verdict: DriftVerdict;
  readonly samples: number;
  readonly baselineSamples: number;
  readonly repetition: Repetition;
}

/** How far rows repeat what others said, by the baseline; see docs/checks/data-drift.md. */
export interface Repetition {
  /** Rows that say as much as one independent one, 1 or more; NaN: not known, and taken as 1. */
  readonly designEffect: number;
  /** Samples / design effect; NaN: not known. */
  readonly effectiveSamples: number;
  /** What repetition alone may move the figures by: smaller changes are no verdict. 0 where rows do not repeat. */
  readonly ksNoiseFloor: number;
  readonly klNoiseFloor: number;
}

/** Evidence of drift since the stream began that may be looked at as often as one likes. */
export interface SequentialDrift {
  /** Start of the stream: of the UTC day, or when the one before had reached a tenth of the baseline. */
  readonly sinceMs: number;
  readonly samples: number;
  /** Natural logarithm of the e-value, over all features. */
  readonly logEValue: number;
  /** From which on it is an alarm. */
  readonly logEValueAlarm: number;
  readonly alarm: boolean;
  /** The one with the strongest evidence. */
  readonly feature: string;
}

export interface DataDriftOutcome extends CheckOutcome {
  readonly features: readonly FeatureDrift[];
  /** null: not asked for, or nothing to compare. */
  readonly sequential: SequentialDrift | null;
}

export interface PredictionDriftOutcome extends CheckOutcome {
  readonly klDivergence: number;
  readonly psi: number;
  readonly ksStatistic: number;
  readonly pValue: number;
  /** Window mean of the score (or predicted value) minus the baseline's. */
  readonly meanShift: number;
  readonly repetition: Repetition;
}

export interface LatencyOutcome extends CheckOutcome {
  readonly averageSeconds: number;
  readonly baselineAverageSeconds: number;
  readonly p50Seconds: number;
  readonly p95Seconds: number;
  readonly p99Seconds: number;
  readonly maxSeconds: number;
  /** Window average / baseline average. */
  readonly spikeRatio: number;
  /** One-sided, of the rise; NaN without enough data. */
  readonly pValue: number;
}

export interface ErrorRateOutcome extends CheckOutcome {
  readonly errorRatio: number;
  readonly errors: number;
  readonly byReason: ReadonlyMap<string, number>;
}

export type QualityIssueType = 'missing' | 'type_error' | 'out_of_range' | 'unseen_category' | 'outlier';
export interface QualityIssue {
  readonly type: QualityIssueType;
  readonly feature: string;
  /** Share of the window's rows, 0..1, and the baseline's own share. */
  readonly share: number;
  readonly baselineShare: number;
}

export interface DataQualityOutcome extends CheckOutcome {
  /** Worst first; only shares that exceed half the threshold over the baseline's own. */
  readonly issues: readonly QualityIssue[];
  /** The largest share of significant issues over the baseline's own, however small; 0 where there is none. */
  readonly largestExcess: number;
}

export interface CheckOutcomes {
  readonly performance: PerformanceOutcome;
  readonly data_drift: DataDriftOutcome;
  readonly prediction_drift: PredictionDriftOutcome;
  readonly latency: LatencyOutcome;
  readonly error_rate: ErrorRateOutcome;
  readonly data_quality: DataQualityOutcome;
}

export interface HealthScore {
  /** 0..100; NaN when no check has data. */
  readonly score: number;
  /** Share of the check weight that has data, 0..1. */
  readonly coverage: number;
  readonly level: HealthLevel;
}

export interface Recommendation {
  readonly action: 'retrain' | 'update_features' | 'watch_closely' | 'none';
  readonly reasons: readonly string[];
}

export type CheckScores = Readonly<Record<CheckName, Pick<CheckOutcome, 'state' | 'score'>>>;
