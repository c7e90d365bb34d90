import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { bucketMinutesFor, bucketStart, DAY_MS, HOUR_MS, MINUTE_MS, windowSpan } from './time-bucket.ts';

const NOON = Date.UTC(2026, 10, 24, 12);
const minute = (ms: number) => ms / 60_000;

describe('bucketMinutesFor', () => {
  test.each([
    ['the defaults', [DAY_MS, HOUR_MS], 1],
    ['2 h is the longest in minutes', [2 * HOUR_MS], 1],
    ['just longer', [2 * HOUR_MS + 1], 60],
    ['only long ones', [DAY_MS, 30 * DAY_MS], 60],
    ['one short one', [30 * DAY_MS, MINUTE_MS], 1],
    ['none', [], 60],
  ] as const)('%s', (_name, windows, minutes) => expect(bucketMinutesFor(windows)).toBe(minutes));
});

describe('bucketStart: half-open', () => {
  test.each([
    ['the first millisecond', NOON, 60, minute(NOON)],
    ['the last millisecond', NOON + HOUR_MS - 1, 60, minute(NOON)],
    ['the next bucket', NOON + HOUR_MS, 60, minute(NOON) + 60],
    ['the last millisecond of a minute', NOON + MINUTE_MS - 1, 1, minute(NOON)],
    ['the next minute', NOON + MINUTE_MS, 1, minute(NOON) + 1],
    ['the epoch', 0, 60, 0],
  ] as const)('%s', (_name, time, minutes, start) => expect(bucketStart(time, minutes)).toBe(start));
});

describe('windowSpan: the current partial bucket, the full ones before it, and 5 minutes for clocks that are ahead', () => {
  const at = NOON + 34 * MINUTE_MS + 56_789;
  const day = Date.UTC(2026, 10, 24);
  test.each([
    ['an hour slides by minutes', HOUR_MS, minute(NOON) + 34 - 60, minute(NOON) + 34 + 1 + 5],
    ['2 h too', 2 * HOUR_MS, minute(NOON) + 34 - 120, minute(NOON) + 34 + 1 + 5],
    ['3 h slide by hours', 3 * HOUR_MS, minute(NOON) - 180, minute(NOON) + 60 + 5],
    ['a day', DAY_MS, minute(NOON) - 1_440, minute(NOON) + 60 + 5],
    ['7 d', 7 * DAY_MS, minute(NOON) - 10_080, minute(NOON) + 60 + 5],
    ['8 d slide by days', 8 * DAY_MS, minute(day) - 11_520, minute(day) + 1_440 + 5],
  ])('%s', (_name, windowMs, from, to) => expect(windowSpan(at, windowMs)).toEqual({ from, to }));

  const anyWindow = fc.oneof(
    fc.integer({ min: 1, max: 120 }).map((minutes) => minutes * MINUTE_MS),
    fc.integer({ min: 3, max: 168 }).map((hours) => hours * HOUR_MS),
    fc.integer({ min: 8, max: 90 }).map((days) => days * DAY_MS),
  );
  const anyTime = fc.integer({ min: NOON - 400 * DAY_MS, max: NOON });

  test('property: holds the whole window before now, and what may be stamped 5 minutes ahead', () => {
    fc.assert(
      fc.property(anyTime, anyWindow, (nowMs, windowMs) => {
        const { from, to } = windowSpan(nowMs, windowMs);
        expect(from * MINUTE_MS).toBeLessThanOrEqual(nowMs - windowMs + MINUTE_MS);
        expect(to * MINUTE_MS).toBeGreaterThan(nowMs + 5 * MINUTE_MS);
      }),
    );
  });

  test('property: never slides back', () => {
    fc.assert(
      fc.property(anyTime, fc.integer({ min: 0, max: 3 * DAY_MS }), anyWindow, (nowMs, later, windowMs) => {
        const before = windowSpan(nowMs, windowMs);
        const after = windowSpan(nowMs + later, windowMs);
        expect(after.from).toBeGreaterThanOrEqual(before.from);
        expect(after.to - after.from).toBe(before.to - before.from);
      }),
    );
  });
});
