import type { Thresholds } from './settings.ts';

/** Exclusive at `above` and `below`, inclusive at `max`. */
export type ThresholdLimits =
  { readonly above: number; readonly max: number } | { readonly above: number; readonly below: number };

/** A share of something, which zero would make meaningless as a threshold. */
const SHARE: ThresholdLimits = { above: 0, max: 1 };
/** The fastest burn rate that alerts is 14.4 budgets: a larger budget could not burn so fast, for no more than all predictions fail. */
const BUDGET: ThresholdLimits = { above: 0, max: 0.069 };

/** What thresholds may be, in the configuration file and in what is declared through the API alike. */
export const THRESHOLD_LIMITS: Readonly<Record<keyof Thresholds, ThresholdLimits>> = {
  accuracyDrop: SHARE,
  driftScore: { above: 0, max: 100 },
  latencySpike: { above: 1, max: 1e6 },
  errorRate: SHARE,
  ksPValue: { above: 0, below: 1 },
  minKsStatistic: SHARE,
  dataQuality: SHARE,
  calibrationGap: SHARE,
  errorBudget: BUDGET,
  latencyBudget: BUDGET,
};
