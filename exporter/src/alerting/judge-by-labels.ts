import type { AlertVerdict, StoredAlert, Verdict } from '../domain/alert.ts';

/** How often the performance of a version was found in which state over a stretch of time. */
export interface PerformanceStates {
  readonly alert: number;
  /** In warning or ok. */
  readonly fine: number;
}

export interface JudgeDependencies {
  readonly store: {
    unjudged(checks: readonly string[], fromMs: number, toMs: number, limit: number): Promise<readonly StoredAlert[]>;
    decide(alert: StoredAlert, verdict: AlertVerdict): Promise<void>;
  };
  /** Of stored evaluations in [fromMs, toMs). */
  readonly performance: (model: string, version: string, fromMs: number, toMs: number) => Promise<PerformanceStates>;
  /** Length of a model's performance window. */
  readonly windowMs: (model: string) => number;
}

/** What later ground truth can judge: whether drift did harm, and whether performance was lost. */
export const JUDGED_CHECKS: readonly string[] = ['performance', 'data_drift', 'prediction_drift'];
const AT_ONCE = 200;
/** Older ones have no evaluations to judge by that they did not have before. */
const LOOK_BACK_MS = 100 * 86_400_000;

/**
 * Gives alerts of drift and performance the verdict that labels have come to by now. An alert is judged a performance window after its
 * end, when everything that it was about has left the window, by the evaluations from its start until then. Returns how many were judged.
 */
export async function judgeByLabels(deps: JudgeDependencies, nowMs: number): Promise<number> {
  const candidates = await deps.store.unjudged(JUDGED_CHECKS, nowMs - LOOK_BACK_MS, nowMs, AT_ONCE);
  let judged = 0;
  for (const alert of candidates) {
    const untilMs = (alert.endsAtMs ?? nowMs) + deps.windowMs(alert.model);
    if (untilMs > nowMs) continue;
    const states = await deps.performance(alert.model, alert.version, alert.startsAtMs, untilMs);
    const verdict = verdictByLabels(alert.check, states);
    if (verdict === null) continue;
    const note =
      verdict === 'true'
        ? `performance was in alert in ${states.alert} of ${states.alert + states.fine} evaluations`
        : `performance held in all of ${states.fine} evaluations`;
    await deps.store.decide(alert, { verdict, source: 'labels', decidedBy: 'labels', note, decidedAtMs: nowMs });
    judged++;
  }
  return judged;
}

/** null: labels do not tell. Drift without loss is benign; a performance alert rests on labels itself, and is true if they still say so. */
export function verdictByLabels(check: string, { alert, fine }: PerformanceStates): Verdict | null {
  if (alert > 0) return 'true';
  return check !== 'performance' && fine > 0 ? 'benign' : null;
}
