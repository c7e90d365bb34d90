import type { Check, ModelBaseline, ModelContext, ModelCounts } from '../checks/check.ts';
import { CHECKS } from '../checks/registry.ts';
import { performanceFigures } from '../checks/performance-figures.ts';
import type { CheckOutcome, CheckOutcomes } from '../domain/health.ts';
import { healthScore } from '../domain/health-score.ts';
import type { ModelReport } from '../domain/model-report.ts';
import { recommend } from '../domain/recommendation.ts';
import type { CheckName } from '../domain/settings.ts';
import { severityOf } from '../domain/severity.ts';

export interface EvaluationInput {
  readonly model: string;
  readonly version: string;
  readonly nowMs: number;
  readonly context: ModelContext;
  /** Counts of the window of this length; features are valid until the next call. */
  readonly window: (windowMs: number) => ModelCounts;
}

/** Six checks over their windows, and what they come to. Pure: the same counts give the same report. */
export function evaluateModel({ model, version, nowMs, context, window }: EvaluationInput): ModelReport {
  const outcomes: Partial<Record<string, unknown>> = {};
  let confidenceAverage = NaN;
  let windowPredictions = 0;
  for (const check of CHECKS) {
    const windowMs = context.settings.windows[check.name];
    const counts = window(windowMs);
    outcomes[check.name] = evaluateCheck(check, context, counts, windowMs);
    windowPredictions = Math.max(windowPredictions, counts.traffic.rows);
    if (check.name === 'prediction_drift')
      confidenceAverage = counts.features.confidenceSum / counts.features.confidenceRows;
  }
  const checks = outcomes as unknown as CheckOutcomes;
  const health = healthScore(checks, context.settings.weights);
  return {
    model,
    version,
    task: context.task,
    evaluatedAtMs: nowMs,
    baseline: summarise(context),
    health,
    severity: severityOf(checks, context.settings.thresholds),
    recommendation: recommend(checks, context.settings.thresholds, new Map()),
    checks,
    confidenceAverage,
    windowPredictions,
    settings: context.settings,
  };
}

/** A check is not to throw. When one does, its name must be known: the version keeps its last report, and the others go on. */
export class CheckFailed extends Error {
  readonly code = 'CHECK_FAILED';
  readonly check: CheckName;

  constructor(check: CheckName, cause: unknown) {
    super(`check ${check} failed`, { cause });
    this.name = 'CheckFailed';
    this.check = check;
  }
}

function evaluateCheck(check: Check, context: ModelContext, counts: ModelCounts, windowMs: number): CheckOutcome {
  try {
    return check.evaluate(context, counts, windowMs);
  } catch (error) {
    throw new CheckFailed(check.name, error);
  }
}

function summarise(context: ModelContext): ModelReport['baseline'] {
  const baseline: ModelBaseline | null = context.baseline;
  if (baseline === null) return { kind: 'none', madeAtMs: NaN, rows: 0, performance: null };
  return {
    kind: baseline.kind,
    madeAtMs: baseline.madeAtMs,
    rows: baseline.features.rows,
    performance: baseline.performance.labelled === 0 ? null : performanceFigures(baseline.performance, context),
  };
}
