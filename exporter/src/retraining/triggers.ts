import type { JudgedReport } from '../domain/model-report.ts';
import type { Blocker, Champion, ReasonCode, RetrainingNeed, RetrainingReason } from '../domain/retraining.ts';
import { wilsonInterval } from '../statistics/intervals.ts';

const DAY_MS = 86_400_000;
const BASELINE_REFRESH_DAYS = 90;
const Z_95 = 1.96;

export interface TriggerInput {
  /** Of the version in charge. */
  readonly report: JudgedReport;
  readonly nowMs: number;
  readonly trainedAtMs: number;
  readonly newDataPoints: number;
  readonly activeJob: boolean;
  /** NaN: none. */
  readonly cooldownEndMs: number;
  /** It is not the first version of its model, and has no baseline of its own: an inherited one, or none. */
  readonly versionChanged: boolean;
}

/**
 * What speaks for retraining a model, and what stands against it. Performance, calibration, errors and age are reasons; drift alone is a
 * suggestion, unless a shadow job is configured for it: on real data retraining at every drift alarm hardly ever paid.
 * A fall is a reason only when it is beyond its threshold and beyond chance.
 */
export function findNeed(input: TriggerInput): RetrainingNeed {
  const { report, nowMs, newDataPoints } = input;
  const { triggers, enabled, onDrift, trainer } = report.settings.retraining;
  const drift = driftReasons(input);
  const reasons = [
    ...performanceReasons(report),
    ...calibrationReasons(report),
    ...errorReasons(report),
    ...ageReasons(input),
    ...(onDrift === 'shadow' ? drift : []),
  ];
  const blockedBy: Blocker[] = [];
  if (!enabled) blockedBy.push('disabled');
  if (trainer.type === 'none') blockedBy.push('no_trainer');
  if (report.task === 'unknown') blockedBy.push('task_unknown');
  if (input.activeJob) blockedBy.push('active_job');
  if (nowMs < input.cooldownEndMs) blockedBy.push('cooldown');
  if (newDataPoints < triggers.minNewDataPoints) blockedBy.push('min_new_data_points');
  return {
    model: report.model,
    needed: reasons.length > 0,
    reasons,
    suggestions: [...(onDrift === 'suggest' ? drift : []), ...refreshSuggestions(input)],
    blockedBy,
    cooldownEndMs: input.cooldownEndMs,
    trainedAtMs: input.trainedAtMs,
    newDataPoints,
  };
}

/** Only drift speaks for it: what comes out is compared beside the champion, and gets no traffic without a person's word. */
export function isShadowOnly({ reasons }: RetrainingNeed): boolean {
  return reasons.length > 0 && reasons.every(({ code }) => code === 'drift_detected');
}

const DEGRADING: readonly ReasonCode[] = ['performance_drop', 'calibration_gap', 'error_rate'];

/** What a job has to beat, as it is when the job is asked for. */
export function championOf(report: JudgedReport, reasons: readonly RetrainingReason[]): Champion {
  const { performance } = report.checks;
  const figure = report.task === 'regression' ? performance.baseline.meanAbsoluteError : performance.baseline.accuracy;
  return {
    version: report.version,
    degraded: reasons.some(({ code }) => DEGRADING.includes(code)),
    baselineFigure: Number.isFinite(figure) ? figure : null,
  };
}

function performanceReasons({ checks, settings, task }: JudgedReport): RetrainingReason[] {
  const { performance } = checks;
  const threshold = settings.retraining.triggers.performanceDrop;
  if (threshold === null || performance.samples < settings.minimumSamples.labels) return [];
  // Of a regression the check itself asks for significance; of a classifier the interval does.
  const certain =
    task === 'regression'
      ? performance.state === 'alert' || performance.state === 'warning'
      : performance.figures.accuracyUpper < performance.baseline.accuracy;
  if (!certain || !(performance.drop > threshold)) return [];
  return [reason('performance_drop', performance.drop, threshold, performance)];
}

function calibrationReasons({ checks, settings }: JudgedReport): RetrainingReason[] {
  const { performance } = checks;
  const threshold = settings.retraining.triggers.calibrationGap;
  if (threshold === null || performance.samples < settings.minimumSamples.labels) return [];
  const { observedRate, samples } = performance.figures;
  const chance = Z_95 * Math.sqrt((observedRate * (1 - observedRate)) / samples);
  const change = performance.calibrationGapChange;
  return change > threshold && change > chance ? [reason('calibration_gap', change, threshold, performance)] : [];
}

function errorReasons({ checks, settings }: JudgedReport): RetrainingReason[] {
  const { error_rate: errors } = checks;
  const threshold = settings.retraining.triggers.errorRateThreshold;
  if (threshold === null || errors.samples < settings.minimumSamples.alert) return [];
  const { lower } = wilsonInterval(errors.errors, errors.samples);
  return lower > threshold ? [reason('error_rate', errors.errorRatio, threshold, errors)] : [];
}

function ageReasons({ report, nowMs, trainedAtMs }: TriggerInput): RetrainingReason[] {
  const threshold = report.settings.retraining.triggers.daysSinceTraining;
  const days = (nowMs - trainedAtMs) / DAY_MS;
  if (threshold === null || !(days > threshold)) return [];
  return [{ code: 'days_since_training', observed: days, threshold, windowSeconds: null, samples: null, note: '' }];
}

function driftReasons({ report }: TriggerInput): RetrainingReason[] {
  if (!report.settings.retraining.triggers.driftDetected) return [];
  const { data_drift: drift } = report.checks;
  const drifted = drift.features.filter(({ verdict }) => verdict === 'significant');
  if (drift.state !== 'alert' || drifted.length === 0) return [];
  const worst = Math.max(...drifted.map(({ klDivergence }) => klDivergence).filter((kl) => !Number.isNaN(kl)));
  const note = drifted.map(({ feature }) => feature).join(', ');
  return [{ ...reason('drift_detected', worst, report.settings.thresholds.driftScore, drift), note }];
}

function refreshSuggestions({ report, nowMs, versionChanged }: TriggerInput): RetrainingReason[] {
  const days = (nowMs - report.baseline.madeAtMs) / DAY_MS;
  const base = { code: 'baseline_refresh', windowSeconds: null, samples: null } as const;
  if (versionChanged)
    return [{ ...base, observed: null, threshold: null, note: 'the version changed and has no baseline of its own' }];
  if (!(days > BASELINE_REFRESH_DAYS)) return [];
  return [{ ...base, observed: days, threshold: BASELINE_REFRESH_DAYS, note: 'the baseline is older than a quarter' }];
}

function reason(
  code: ReasonCode,
  observed: number,
  threshold: number,
  { windowMs, samples }: { readonly windowMs: number; readonly samples: number },
): RetrainingReason {
  return {
    code,
    observed: Number.isFinite(observed) ? observed : null,
    threshold,
    windowSeconds: windowMs / 1000,
    samples,
    note: '',
  };
}
