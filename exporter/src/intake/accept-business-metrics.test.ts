import { expect, test } from '@jest/globals';
import { decodeBusinessMetrics } from './formats/business-metrics.ts';
import { acceptBusinessMetrics } from './accept-business-metrics.ts';

const NOW = Date.UTC(2026, 10, 26, 12);
const clock = { now: () => NOW };
const GOOD = { model: 'churn', name: 'revenue', timestamp: '2026-11-23T10:00:00Z', value: 12.5 };
const read = (body: unknown) =>
  acceptBusinessMetrics(decodeBusinessMetrics(Buffer.from(JSON.stringify(body))), clock, 10);

test.each([
  ['RFC 3339', '2026-11-23T10:00:00Z', Date.UTC(2026, 10, 23, 10)],
  ['another zone is the same moment', '2026-11-23T12:00:00+02:00', Date.UTC(2026, 10, 23, 10)],
  ['a day begins at midnight UTC', '2026-11-23', Date.UTC(2026, 10, 23)],
  ['epoch milliseconds', Date.UTC(2020, 0, 1), Date.UTC(2020, 0, 1)],
  ['years ago', '1999-12-31T00:00:00Z', Date.UTC(1999, 11, 31)],
  ['none: now', null, NOW],
  ['a clock a little ahead', NOW + 60_000, NOW + 60_000],
])('time: %s', (_name, timestamp, atMs) => {
  expect(read({ ...GOOD, timestamp })).toEqual({
    values: [{ index: 0, model: 'churn', name: 'revenue', atMs, value: 12.5 }],
    errors: [],
  });
});

test.each([
  ['no object', 7, '', 'must be an object'],
  ['no model', { ...GOOD, model: undefined }, '/model', 'must be a string'],
  ['an empty name', { ...GOOD, name: '' }, '/name', 'must not be empty'],
  ['a long name', { ...GOOD, name: 'x'.repeat(201) }, '/name', 'at most 200'],
  ['NUL in the name', { ...GOOD, name: 'a\0b' }, '/name', 'NUL'],
  ['the future', { ...GOOD, timestamp: NOW + 600_000 }, '/timestamp', 'in the future'],
  ['30 February', { ...GOOD, timestamp: '2026-02-30' }, '/timestamp', 'not a valid time'],
  ['words for a time', { ...GOOD, timestamp: 'yesterday' }, '/timestamp', 'must be RFC 3339'],
  ['text for a value', { ...GOOD, value: '12' }, '/value', 'must be a number'],
  ['no value', { ...GOOD, value: null }, '/value', 'is required'],
  ['a value beyond all sense', { ...GOOD, value: 1e200 }, '/value', 'must not be above'],
  ['a misspelt key', { ...GOOD, vlaue: 1 }, '/vlaue', 'unknown key'],
])('%s is an error of its row alone', (_name, row, pointer, detail) => {
  const { values, errors } = read([GOOD, row]);
  expect(values).toHaveLength(1);
  expect(errors).toEqual([{ index: 1, pointer, detail: expect.stringContaining(detail) }]);
});

test('no rows, and too many', () => {
  expect(read([])).toEqual({ values: [], errors: [] });
  expect(() => read(Array.from({ length: 11 }, () => GOOD))).toThrow('at most 10');
});
