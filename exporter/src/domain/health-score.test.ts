import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { healthScore, levelOf } from './health-score.ts';
import { CHECK_STATES, HEALTH_LEVELS } from './health.ts';
import type { CheckScores } from './health.ts';
import { CHECK_NAMES, DEFAULT_SETTINGS } from './settings.ts';
import type { CheckName } from './settings.ts';

const { weights } = DEFAULT_SETTINGS.defaults;

/** Scores in the order of CHECK_NAMES; null: insufficient data. */
function scores(...values: readonly (number | null)[]): CheckScores {
  return Object.fromEntries(
    CHECK_NAMES.map((name, i) => {
      const score = values[i] ?? null;
      return [name, score === null ? { state: 'insufficient_data', score: NaN } : { state: 'ok', score }];
    }),
  ) as CheckScores;
}

describe('healthScore, weights .30 .25 .20 .10 .10 .05', () => {
  test.each<[string, CheckScores, number, number, string]>([
    ['all at their best', scores(100, 100, 100, 100, 100, 100), 100, 1, 'excellent'],
    ['all at their worst', scores(0, 0, 0, 0, 0, 0), 0, 1, 'poor'],
    // 15 + 20 + 18 + 3 + 10 + 1
    ['the weighted mean', scores(50, 80, 90, 30, 100, 20), 67, 1, 'fair'],
    // (20 + 18 + 3 + 10 + 1) / .7
    ['without performance', scores(null, 80, 90, 30, 100, 20), 74.2857142857, 0.7, 'good'],
    ['the least weight alone', scores(null, null, null, null, null, 40), 40, 0.05, 'poor'],
    ['latency and errors alone', scores(null, null, null, 90, 100, null), 95, 0.2, 'excellent'],
  ])('%s', (_name, checks, score, coverage, level) => {
    const found = healthScore(checks, weights);
    expect(found.score).toBeCloseTo(score, 9);
    expect(found.coverage).toBeCloseTo(coverage, 12);
    expect(found.level).toBe(level);
  });

  test('no data is no score, and never healthy', () => {
    expect(healthScore(scores(), weights)).toEqual({ score: NaN, coverage: 0, level: 'unknown' });
  });

  test('data only where the weight is 0 is no score either', () => {
    const own = { ...weights, latency: 0, performance: 0.4 };
    expect(healthScore(scores(null, null, null, 100), own)).toEqual({ score: NaN, coverage: 0, level: 'unknown' });
  });

  test('every state but insufficient_data counts', () => {
    for (const state of CHECK_STATES) {
      const checks = { ...scores(), latency: { state, score: 10 } };
      expect(healthScore(checks, weights).coverage).toBe(state === 'insufficient_data' ? 0 : 0.1);
    }
  });
});

describe('levelOf: half-open on the real number', () => {
  test.each([
    [100, 'excellent'],
    [90, 'excellent'],
    [89.999999, 'good'],
    [70, 'good'],
    [69.999999, 'fair'],
    [50, 'fair'],
    [49.999999, 'poor'],
    [0, 'poor'],
    [NaN, 'unknown'],
  ])('%d is %s', (score, level) => expect(levelOf(score)).toBe(level));

  test('all levels are listed', () => {
    expect([...HEALTH_LEVELS].sort()).toEqual(['excellent', 'fair', 'good', 'poor', 'unknown']);
  });
});

const anyScore = fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: null });
const anyScores = fc.array(anyScore, { minLength: 6, maxLength: 6 });

test('property: the score lies between the lowest and the highest of the checks with data', () => {
  const anyWeights = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(anyScores, anyWeights, (values, parts) => {
      const sum = parts.reduce((all, part) => all + part, 0);
      const own = Object.fromEntries(CHECK_NAMES.map((name, i) => [name, parts[i]! / sum])) as Record<
        CheckName,
        number
      >;
      const { score, coverage } = healthScore(scores(...values), own);
      const known = values.filter((value) => value !== null);
      expect(coverage).toBeGreaterThanOrEqual(0);
      expect(coverage).toBeLessThanOrEqual(1);
      if (known.length === 0) {
        expect(score).toBeNaN();
        return;
      }
      expect(score).toBeGreaterThanOrEqual(Math.min(...known) - 1e-9);
      expect(score).toBeLessThanOrEqual(Math.max(...known) + 1e-9);
    }),
  );
});

test('property: a worse check never raises the score', () => {
  const damage = fc.double({ min: 0, max: 100, noNaN: true });
  fc.assert(
    fc.property(anyScores, fc.nat(5), damage, (values, at, by) => {
      const worse = values.map((value, i) => (i === at && value !== null ? Math.max(0, value - by) : value));
      const before = healthScore(scores(...values), weights);
      const after = healthScore(scores(...worse), weights);
      expect(after.coverage).toBe(before.coverage);
      if (!Number.isNaN(before.score)) expect(after.score).toBeLessThanOrEqual(before.score + 1e-9);
    }),
  );
});
