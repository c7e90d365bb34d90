import { describe, expect, test } from '@jest/globals';
import { isCheckDue, lastTimeOfDay } from './schedule.ts';

const DAY = 86_400_000;
const at = (text: string) => Date.parse(text);

describe('lastTimeOfDay at 02:00', () => {
  test.each([
    ['UTC, a minute later', '2026-01-10T02:01:00Z', 'UTC', '2026-01-10T02:00:00Z'],
    ['UTC, a minute before', '2026-01-10T01:59:00Z', 'UTC', '2026-01-09T02:00:00Z'],
    ['in winter in Berlin', '2026-01-10T12:00:00Z', 'Europe/Berlin', '2026-01-10T01:00:00Z'],
    ['in summer in Berlin', '2026-07-10T12:00:00Z', 'Europe/Berlin', '2026-07-10T00:00:00Z'],
    ['on the day that has no 02:00, at the jump', '2026-03-29T12:00:00Z', 'Europe/Berlin', '2026-03-29T01:00:00Z'],
    ['on the day that has it twice, once', '2026-10-25T12:00:00Z', 'Europe/Berlin', '2026-10-25T01:00:00Z'],
    ['in a zone behind', '2026-01-10T05:00:00Z', 'America/Los_Angeles', '2026-01-09T10:00:00Z'],
    ['in a zone of half hours', '2026-01-10T05:00:00Z', 'Asia/Kolkata', '2026-01-09T20:30:00Z'],
  ])('%s', (_name, now, zone, expected) => {
    expect(new Date(lastTimeOfDay(at(now), 120, zone)).toISOString()).toBe(new Date(expected).toISOString());
  });

  test('comes once a day, all year round', () => {
    const slots = new Set<number>();
    for (let now = at('2026-01-01T12:00:00Z'); now < at('2027-01-01T12:00:00Z'); now += DAY / 24)
      slots.add(lastTimeOfDay(now, 120, 'Europe/Berlin'));
    expect(slots.size).toBe(366);
  });
});

describe('isCheckDue', () => {
  const daily = { checkIntervalMs: DAY, checkAtMinutes: 120, timeZone: 'UTC' };
  test.each([
    ['not before its time', '2026-01-09T02:00:05Z', '2026-01-10T01:59:59Z', daily, false],
    ['at its time', '2026-01-09T02:00:05Z', '2026-01-10T02:00:00Z', daily, true],
    ['once', '2026-01-10T02:00:05Z', '2026-01-10T23:00:00Z', daily, false],
    ['after a stop over its time', '2026-01-07T02:00:05Z', '2026-01-10T15:00:00Z', daily, true],
    [
      'a model that was first met in the evening, at night',
      '2026-01-09T23:00:00Z',
      '2026-01-10T02:00:00Z',
      daily,
      true,
    ],
    [
      'every third day: not on the second',
      '2026-01-09T02:00:05Z',
      '2026-01-11T03:00:00Z',
      { ...daily, checkIntervalMs: 3 * DAY },
      false,
    ],
    ['every third day', '2026-01-09T02:00:05Z', '2026-01-12T02:00:00Z', { ...daily, checkIntervalMs: 3 * DAY }, true],
    [
      'hours: from the last look',
      '2026-01-09T02:00:00Z',
      '2026-01-09T07:59:00Z',
      { ...daily, checkIntervalMs: DAY / 4 },
      false,
    ],
    ['hours', '2026-01-09T02:00:00Z', '2026-01-09T08:00:00Z', { ...daily, checkIntervalMs: DAY / 4 }, true],
  ])('%s', (_name, checked, now, settings, due) => {
    expect(isCheckDue(at(checked), at(now), settings)).toBe(due);
  });
});
