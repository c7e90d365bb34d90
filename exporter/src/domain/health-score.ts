import type { CheckScores, HealthLevel, HealthScore } from './health.ts';
import { CHECK_NAMES } from './settings.ts';
import type { CheckName } from './settings.ts';

/**
 * The weighted mean of the scores of the checks that have data, their weights renormalised, and the share of weight that has data.
 * No check has data: no score (NaN) and level `unknown`; missing data is never healthy.
 */
export function healthScore(checks: CheckScores, weights: Readonly<Record<CheckName, number>>): HealthScore {
  let sum = 0;
  let coverage = 0;
  for (const name of CHECK_NAMES) {
    if (checks[name].state === 'insufficient_data') continue;
    sum += weights[name] * checks[name].score;
    coverage += weights[name];
  }
  // Checks of weight 0 alone make no score either.
  if (coverage <= 0) return { score: NaN, coverage: 0, level: 'unknown' };
  // Weights add up to 1 only up to rounding.
  const score = Math.min(100, Math.max(0, sum / coverage));
  return { score, coverage: Math.min(1, coverage), level: levelOf(score) };
}

/** Half-open on the real number: 89.99 is good. */
export function levelOf(score: number): HealthLevel {
  if (Number.isNaN(score)) return 'unknown';
  if (score >= 90) return 'excellent';
  if (score >= 70) return 'good';
  return score >= 50 ? 'fair' : 'poor';
}
