import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RateLimit } from './rate-limit.ts';

function limitOf(perSecond: number, burst: number) {
  const clock = { nowMs: 0 };
  return {
    clock,
    limit: new RateLimit({ perSecond: () => perSecond, burst: () => burst, nowMs: () => clock.nowMs }),
  };
}

describe('RateLimit', () => {
  test('a burst, then the seconds to wait', () => {
    const { limit, clock } = limitOf(0.5, 3);
    expect([1, 2, 3].map(() => limit.take('a'))).toEqual([0, 0, 0]);
    expect(limit.take('a')).toBe(2);
    expect(limit.take('b')).toBe(0);
    clock.nowMs = 2_000;
    expect(limit.take('a')).toBe(0);
    expect(limit.take('a')).toBe(2);
  });

  test('never more than burst + rate x time, and never less once waited for', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 1_000, noNaN: true }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 }),
        (perSecond, burst, waits) => {
          const { limit, clock } = limitOf(perSecond, burst);
          let passed = 0;
          for (const wait of waits) {
            clock.nowMs += wait;
            if (limit.take('a') === 0) passed++;
          }
          expect(passed).toBeLessThanOrEqual(burst + (perSecond * clock.nowMs) / 1000 + 1e-6);
          const seconds = limit.take('a');
          clock.nowMs += seconds * 1000;
          if (seconds > 0) expect(limit.take('a')).toBe(0);
        },
      ),
    );
  });

  test('holds no more keys than it may: the ones asked least recently begin anew', () => {
    const { limit } = limitOf(0.001, 1);
    for (let i = 0; i < 10_001; i++) expect(limit.take(String(i))).toBe(0);
    expect(limit.take('10000')).toBeGreaterThan(0);
    expect(limit.take('0')).toBe(0);
  });
});
