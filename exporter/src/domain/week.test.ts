import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { WEEK_MS, weekName, weekNamed, weekStart } from './week.ts';

test.each([
  ['a Thursday', '2026-11-26T14:00:00Z', '2026-11-23T00:00:00.000Z', '2026-W48'],
  ['the first moment of a week', '2026-11-23T00:00:00Z', '2026-11-23T00:00:00.000Z', '2026-W48'],
  ['the last moment of the one before', '2026-11-22T23:59:59.999Z', '2026-11-16T00:00:00.000Z', '2026-W47'],
  ['a Friday of January that belongs to the old year', '2027-01-01T12:00:00Z', '2026-12-28T00:00:00.000Z', '2026-W53'],
  ['a Monday of December that belongs to the new year', '2024-12-30T00:00:00Z', '2024-12-30T00:00:00.000Z', '2025-W01'],
  ['a leap day', '2024-02-29T10:00:00Z', '2024-02-26T00:00:00.000Z', '2024-W09'],
  [
    'midnight of another zone, which is Sunday here',
    '2026-11-23T00:00:00+02:00',
    '2026-11-16T00:00:00.000Z',
    '2026-W47',
  ],
  ['the epoch', '1970-01-01T00:00:00Z', '1969-12-29T00:00:00.000Z', '1970-W01'],
])('%s', (_name, at, start, name) => {
  const startMs = weekStart(Date.parse(at));
  expect(new Date(startMs).toISOString()).toBe(start);
  expect(weekName(startMs)).toBe(name);
  expect(weekNamed(name)).toBe(startMs);
});

test.each(['2025-W53', '2026-W00', '2026-W54', '2026-48', '2026-W4', '', 'W48', '2026-W48 '])(
  '%s is no week',
  (name) => {
    expect(weekNamed(name)).toBeNull();
  },
);

test('every moment of 200 years lies in the week that its name leads back to', () => {
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2170, 0, 1) }), (ms) => {
      const start = weekStart(ms);
      expect(start <= ms && ms < start + WEEK_MS && new Date(start).getUTCDay() === 1).toBe(true);
      expect(weekNamed(weekName(start))).toBe(start);
    }),
  );
});
