import type { Check, ModelBaseline, ModelContext, ModelCounts, NeededCounts } from '../checks/check.ts';
import { CHECKS } from '../checks/registry.ts';
import { performanceFigures } from '../checks/performance-figures.ts';
import type { CheckOutcome, CheckOutcomes } from '../domain/health.ts';
import { healthScore } from '../domain/health-score.ts';
import type { ExtraWindow, ModelReport } from '../domain/model-report.ts';
import { recommend } from '../domain/recommendation.ts';
import { windowsOf } from '../domain/settings.ts';
import type { CheckName, ModelSettings } from '../domain/settings.ts';
import { severityOf } from '../domain/severity.ts';
import type { WindowBaselines } from './moving-baseline.ts';

export interface EvaluationInput {
  readonly model: string;
  readonly version: string;
  readonly nowMs: number;
  /** With the plain baseline. */
  readonly context: ModelContext;
  /** Baselines that windows have of their own; null: none has. */
  readonly baselines: WindowBaselines | null;
  /** For how many days each feature has been significant without a break, as far as it is known. */
  readonly significantDays: ReadonlyMap<string, number>;
  /** Counts of the window of this length, at least those asked for; features are valid until the next call. */
  readonly window: (windowMs: number, needs: NeededCounts) => ModelCounts;
}

/** Six checks over their windows, and what they come to. Pure: the same counts give the same report. */
export function evaluateModel(input: EvaluationInput): ModelReport {
  const { model, version, nowMs, context, baselines, significantDays, window } = input;
  const { settings } = context;
  const looked = lookAtWindows(context, baselines, window);
  const outcomeOf = (check: Check, windowMs: number) => looked.outcomes.get(check)!.get(windowMs);
  const checks = Object.fromEntries(
    CHECKS.map((check) => [check.name, outcomeOf(check, settings.windows[check.name])]),
  ) as unknown as CheckOutcomes;
  const extraWindows = CHECKS.flatMap((check) =>
    settings.extraWindows[check.name].map((windowMs) => ({ check: check.name, outcome: outcomeOf(check, windowMs) })),
  ) as unknown as readonly ExtraWindow[];
  return {
    model,
    version,
    task: context.task,
    evaluatedAtMs: nowMs,
    schemeId: context.scheme.id,
    baseline: summarise(withBaseline(context, baselines, settings.windows.data_drift), baselines?.reason ?? null),
    health: healthScore(checks, settings.weights),
    severity: severityOf(checks, settings.thresholds),
    recommendation: recommend(checks, settings.thresholds, significantDays),
    checks,
    extraWindows,
    segments: [],
    confidenceAverage: looked.confidenceAverage,
    windowPredictions: looked.windowPredictions,
    settings,
  };
}

interface Looked {
  readonly outcomes: ReadonlyMap<Check, ReadonlyMap<number, CheckOutcome>>;
  readonly confidenceAverage: number;
  readonly windowPredictions: number;
}

/** Window by window, so that one that several checks look at is summed once. */
function lookAtWindows(
  plain: ModelContext,
  baselines: WindowBaselines | null,
  window: EvaluationInput['window'],
): Looked {
  const { settings } = plain;
  const outcomes = new Map<Check, Map<number, CheckOutcome>>(CHECKS.map((check) => [check, new Map()]));
  let confidenceAverage = NaN;
  let windowPredictions = 0;
  for (const windowMs of new Set(windowsOf(settings))) {
    const checks = CHECKS.filter((check) => looksAt(check, settings, windowMs));
    const counts = window(windowMs, new Set(checks.flatMap(({ needs }) => needs)));
    const context = withBaseline(plain, baselines, windowMs);
    for (const check of checks) {
      outcomes.get(check)!.set(windowMs, evaluateCheck(check, context, counts, windowMs));
      if (settings.windows[check.name] !== windowMs) continue;
      windowPredictions = Math.max(windowPredictions, counts.traffic.rows, counts.features.rows);
      if (check.name === 'prediction_drift')
        confidenceAverage = counts.features.confidenceSum / counts.features.confidenceRows;
    }
  }
  return { outcomes, confidenceAverage, windowPredictions };
}

function looksAt({ name }: Check, { windows, extraWindows }: ModelSettings, windowMs: number): boolean {
  return windows[name] === windowMs || extraWindows[name].includes(windowMs);
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

function withBaseline(plain: ModelContext, baselines: WindowBaselines | null, windowMs: number): ModelContext {
  const baseline = baselines?.byWindow.get(windowMs);
  return baseline === undefined ? plain : { ...plain, baseline };
}

/** Of the window of data drift. */
function summarise(context: ModelContext, reason: string | null): ModelReport['baseline'] {
  const baseline: ModelBaseline | null = context.baseline;
  if (baseline === null) return { kind: 'none', madeAtMs: NaN, rows: 0, performance: null, reason };
  return {
    kind: baseline.kind,
    madeAtMs: baseline.madeAtMs,
    rows: baseline.features.rows,
    performance: baseline.performance.labelled === 0 ? null : performanceFigures(baseline.performance, context),
    reason,
  };
}
