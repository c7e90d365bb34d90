import { describe, expect, test } from '@jest/globals';
import { reference } from '../../test/fixtures/scipy-reference.ts';
import { largestValidStream, meanLogEValue, multinomialLogEValue } from './sequential.ts';

const SHARES = [0.1, 0.2, 0.3, 0.25, 0.15];

describe('multinomialLogEValue', () => {
  test('matches the reference', () => {
    expect(multinomialLogEValue(SHARES, [5, 10, 20, 30, 35], 5)).toBeCloseTo(reference.eproc, 9);
  });
  test('counts that fit lower it; none leave it at 0; an impossible one ends it', () => {
    expect(multinomialLogEValue(SHARES, [100, 200, 300, 250, 150], 5)).toBeLessThan(0);
    expect(multinomialLogEValue(SHARES, [0, 0, 0, 0, 0], 5)).toBe(0);
    expect(multinomialLogEValue([0, 1], [1, 5], 2)).toBe(Infinity);
    expect(multinomialLogEValue([0, 1], [0, 5], 2)).toBeCloseTo(0, 12);
  });
  test('is a martingale: the mean e-value after one more value is the e-value', () => {
    const counts = [3, 0, 4, 9, 1];
    const now = Math.exp(multinomialLogEValue(SHARES, counts, 5));
    let next = 0;
    SHARES.forEach((share, k) => {
      next +=
        share *
        Math.exp(
          multinomialLogEValue(
            SHARES,
            counts.map((count, i) => count + Number(i === k)),
            5,
          ),
        );
    });
    expect(next / now).toBeCloseTo(1, 10);
  });
  test('looked at after every tenth value, at most 5 % of 400 drift-free streams alarm at alpha = .05', () => {
    let state = 5;
    const uniform = (): number => (state = (Math.imul(1664525, state) + 1013904223) >>> 0) / 2 ** 32;
    const limit = Math.log(1 / 0.05);
    let alarms = 0;
    for (let stream = 0; stream < 400; stream++) {
      const counts = [0, 0, 0, 0, 0];
      let alarm = false;
      for (let i = 1; i <= 1000 && !alarm; i++) {
        let u = uniform();
        let cell = 0;
        while (cell < 4 && u >= SHARES[cell]!) u -= SHARES[cell++]!;
        counts[cell]! += 1;
        alarm = i % 10 === 0 && multinomialLogEValue(SHARES, counts, 5) >= limit;
      }
      alarms += Number(alarm);
    }
    expect(alarms).toBeLessThanOrEqual(20);
  });
});

test.each([
  ['of one', [2], 2],
  ['of 3 and 1', [Math.log(3), 0], Math.log(2)],
  ['of what overflows', [1_000, -1_000], 1_000 - Math.log(2)],
  ['of an impossible count', [Infinity, 0], Infinity],
  ['of none', [], -Infinity],
])('the logarithm of the mean e-value %s', (_name, logs, mean) => expect(meanLogEValue(logs)).toBeCloseTo(mean, 12));

test('a stream may be a tenth of its baseline', () => expect(largestValidStream(10_005)).toBe(1000));
