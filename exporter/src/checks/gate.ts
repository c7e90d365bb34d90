import type { CheckState } from '../domain/health.ts';
import type { MinimumSamples } from '../domain/settings.ts';

/** A change counts as significant below this one-sided p. Windows are looked at thousands of times a week. */
export const SIGNIFICANT_P = 0.001;

export interface Finding {
  /** Beyond the threshold, and significant where the check asks for that. */
  readonly alert: boolean;
  /** Beyond half the threshold, likewise. */
  readonly warning: boolean;
  readonly samples: number;
}

/** An alert needs `needed` samples; one on fewer is a warning. `samples` is at least the minimum to report. */
export function stateOf(
  { alert, warning, samples }: Finding,
  needed: number,
): Exclude<CheckState, 'insufficient_data'> {
  if (alert) return samples >= needed ? 'alert' : 'warning';
  return warning ? 'warning' : 'ok';
}

/** null: enough to report. */
export function tooFew(samples: number, minimum: MinimumSamples, what: string): string | null {
  return samples >= minimum.report ? null : `${samples} ${what} in the window, ${minimum.report} are needed`;
}

/** What a check without enough data says, beside its figures. */
export const INSUFFICIENT = { state: 'insufficient_data', score: NaN } as const;
