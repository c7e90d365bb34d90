import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { emptyCounts, HOUR, testContext } from '../../test/support/model-counts.ts';
import { DEFAULT_SETTINGS } from '../domain/settings.ts';
import { errorRate } from './error-rate.ts';

function evaluate(rows: number, failed: number) {
  const window = emptyCounts(rows);
  if (failed > 0) window.traffic.errors.set(1, failed);
  return errorRate.evaluate(testContext(), window, HOUR);
}

describe('error rate, threshold 0.05', () => {
  test.each([
    ['no errors', 1_000, 0, 'ok', 100],
    ['half the threshold exactly', 1_000, 25, 'ok', 75],
    ['just above half of it', 1_000, 26, 'warning', 74],
    ['the threshold exactly', 1_000, 50, 'warning', 50],
    ['just above it', 1_000, 51, 'alert', 49],
    ['twice the threshold', 1_000, 100, 'alert', 0],
    ['all failed', 1_000, 1_000, 'alert', 0],
    ['enough to alert exactly', 500, 50, 'alert', 0],
    ['one too few to alert', 499, 499, 'warning', 0],
    ['enough to report exactly', 100, 0, 'ok', 100],
  ])('%s', (_name, rows, failed, state, score) => {
    const found = evaluate(rows, failed);
    expect(found.state).toBe(state);
    expect(found.score).toBeCloseTo(score, 9);
    expect(found).toMatchObject({ samples: rows, errors: failed, reason: null, windowMs: HOUR });
    expect(found.errorRatio).toBe(failed / rows);
  });

  test.each([
    ['nothing', 0, 0],
    ['one too few to report', 99, 99],
  ])('insufficient: %s', (_name, rows, failed) => {
    const found = evaluate(rows, failed);
    expect(found.state).toBe('insufficient_data');
    expect(found.score).toBeNaN();
    expect(found.reason).toBe(`${rows} predictions in the window, 100 are needed`);
    expect(found.errors).toBe(failed);
  });

  test('needs no baseline', () => {
    const found = errorRate.evaluate(testContext({ baseline: null }), emptyCounts(200), HOUR);
    expect(found.state).toBe('ok');
  });

  test('reasons by name; codes without one are other', () => {
    const window = emptyCounts(1_000);
    window.traffic.errors.set(1, 5).set(2, 7).set(255, 11);
    const found = errorRate.evaluate(testContext(), window, HOUR);
    expect(found.errors).toBe(23);
    expect(found.byReason).toEqual(
      new Map([
        ['timeout', 5],
        ['schema', 7],
        ['__other__', 11],
      ]),
    );
  });

  test('takes the threshold of the model', () => {
    const thresholds = { ...DEFAULT_SETTINGS.defaults.thresholds, errorRate: 0.2 };
    const window = emptyCounts(1_000);
    window.traffic.errors.set(1, 150);
    const found = errorRate.evaluate(testContext({}, { thresholds }), window, HOUR);
    expect(found.state).toBe('warning');
    expect(found.score).toBeCloseTo(62.5, 9);
  });

  test('property: the score is 0..100 and never rises with the errors', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 5_000 }), fc.nat(4_999), fc.nat(100), (rows, failed, more) => {
        const fewer = Math.min(failed, rows);
        const a = evaluate(rows, fewer);
        const b = evaluate(rows, Math.min(rows, fewer + more));
        expect(a.score).toBeGreaterThanOrEqual(b.score);
        expect(b.score).toBeGreaterThanOrEqual(0);
        expect(a.score).toBeLessThanOrEqual(100);
      }),
    );
  });
});
