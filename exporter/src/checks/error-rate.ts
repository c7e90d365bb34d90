import type { ErrorRateOutcome } from '../domain/health.ts';
import type { Check, ModelContext, ModelCounts } from './check.ts';
import { INSUFFICIENT, stateOf, tooFew } from './gate.ts';
import { ramp } from './ramp.ts';

/** Failed predictions over all. Needs no baseline: a model is not to fail. */
export const errorRate: Check<ErrorRateOutcome> = {
  name: 'error_rate',
  needs: ['traffic'],
  evaluate({ settings, errorReasons }: ModelContext, { traffic }: ModelCounts, windowMs: number): ErrorRateOutcome {
    const samples = traffic.rows;
    const errors = traffic.errorRows;
    const errorRatio = errors / samples;
    const byReason = new Map<string, number>();
    for (const [code, count] of traffic.errors) byReason.set(errorReasons[code - 1] ?? '__other__', count);
    const common = { windowMs, samples, errors, errorRatio, byReason };
    const lacking = tooFew(samples, settings.minimumSamples, 'predictions');
    if (lacking !== null) return { ...common, ...INSUFFICIENT, reason: lacking };
    const threshold = settings.thresholds.errorRate;
    const finding = { alert: errorRatio > threshold, warning: errorRatio > threshold / 2, samples };
    return {
      ...common,
      state: stateOf(finding, settings.minimumSamples.alert),
      score: ramp(errorRatio, threshold),
      reason: null,
    };
  },
};
