import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  kindOf,
  pointerTo,
  readError,
  readId,
  readName,
  readNumber,
  readSegment,
  readTime,
  readVersion,
  textProblem,
} from './read-values.ts';

const now = Date.UTC(2026, 10, 23, 10);
const DAY_MS = 86_400_000;
const time = (value: unknown) => readTime(value, now - 90 * DAY_MS, now + 300_000);
const accepted = (value: unknown) => ({ ok: true, value });
const refused = (detail: RegExp) => ({ ok: false, detail: expect.stringMatching(detail) });

describe('names, versions and ids', () => {
  test.each<readonly [string, unknown, unknown]>([
    ['text', 'churn', accepted('churn')],
    ['names of object properties', '__proto__', accepted('__proto__')],
    ['200 characters', 'm'.repeat(200), accepted('m'.repeat(200))],
    ['an emoji', 'm😀', accepted('m😀')],
    ['201 characters', 'm'.repeat(201), refused(/^model has 201 characters, at most 200 are allowed$/)],
    ['empty', '', refused(/^model must not be empty$/)],
    ['NUL', 'a\0b', refused(/^model contains a NUL character$/)],
    ['half a surrogate pair', 'a\ud83d', refused(/^model contains half a surrogate pair$/)],
    ['a number', 7, refused(/^model must be a string, not a number$/)],
    ['null', null, refused(/^model must be a string, not null$/)],
    ['absent', undefined, refused(/^model must be a string, not absent$/)],
    ['a list', ['churn'], refused(/^model must be a string, not an array$/)],
  ])('model: %s', (_name, value, result) => expect(readName(value, 'model')).toEqual(result));

  test.each<readonly [string, unknown, unknown]>([
    ['absent', undefined, accepted('')],
    ['null', null, accepted('')],
    ['empty', '', accepted('')],
    ['a number', 1.5, accepted('1.5')],
    ['infinite', Infinity, refused(/^version must be a string, not a number$/)],
    ['a boolean', true, refused(/^version must be a string, not a boolean$/)],
    ['NUL', '\0', refused(/^version contains a NUL character$/)],
  ])('version: %s', (_name, value, result) => expect(readVersion(value)).toEqual(result));

  test.each<readonly [string, unknown, unknown]>([
    ['absent', undefined, accepted(null)],
    ['null', null, accepted(null)],
    ['a whole number', 42, accepted('42')],
    ['512 characters', 'i'.repeat(512), accepted('i'.repeat(512))],
    ['513 characters', 'i'.repeat(513), refused(/^prediction_id has 513 characters/)],
    ['a fraction', 4.2, refused(/whole number, not a number$/)],
    ['beyond exact integers', 2 ** 53, refused(/whole number, not a number$/)],
    ['empty', '', refused(/^prediction_id must not be empty; leave it out to have one made$/)],
    ['NUL', 'a\0', refused(/^prediction_id contains a NUL character$/)],
    ['half a surrogate pair', '\udc00', refused(/^prediction_id contains half a surrogate pair$/)],
  ])('prediction_id: %s', (_name, value, result) => expect(readId(value)).toEqual(result));
});

describe('timestamps', () => {
  test.each<readonly [string, unknown, number]>([
    ['milliseconds', now, now],
    ['a fraction of a millisecond is cut off', now + 0.5, now],
    ['UTC', '2026-11-23T10:00:00Z', now],
    ['small letters', '2026-11-23t10:00:00z', now],
    ['a space for the T', '2026-11-23 10:00:00Z', now],
    ['no seconds', '2026-11-23T10:00Z', now],
    ['an offset', '2026-11-23T15:30:00+05:30', now],
    ['an offset without colon', '2026-11-23T15:30:00+0530', now],
    ['nanoseconds', '2026-11-23T10:00:00.123456789Z', now + 123],
    ['the last day of a month', '2026-10-31T10:00:00Z', now - 23 * DAY_MS],
    ['five minutes ahead', now + 300_000, now + 300_000],
    ['as old as retention', now - 90 * DAY_MS, now - 90 * DAY_MS],
    ['absent', undefined, NaN],
    ['null', null, NaN],
  ])('%s', (_name, value, expected) => expect(time(value)).toEqual(accepted(expected)));

  test.each<readonly [string, unknown, RegExp]>([
    ['words', 'yesterday', /RFC 3339 text such as/],
    ['a date alone', '2026-11-23', /RFC 3339/],
    ['no zone', '2026-11-23T10:00:00', /RFC 3339/],
    ['text of milliseconds', String(now), /RFC 3339/],
    ['an object', {}, /RFC 3339/],
    ['a boolean', true, /RFC 3339/],
    ['month 13', '2026-13-01T00:00:00Z', /not a valid time/],
    ['a leap second', '2026-11-23T09:59:60Z', /not a valid time/],
    ['a day that the month does not have', '2026-09-31T10:00:00Z', /not a valid time/],
    ['30 February', '2026-02-30T10:00:00Z', /not a valid time/],
    ['NaN', NaN, /not a valid time/],
    ['infinite', Infinity, /not a valid time/],
    ['six minutes ahead', now + 360_000, /^timestamp lies more than 5 minutes in the future$/],
    ['too old', now - 91 * DAY_MS, /^timestamp is older than the retention of raw predictions$/],
    ['seconds', now / 1000, /older than .*; it looks like seconds: send milliseconds$/],
    ['nanoseconds as a number', now * 1e6, /in the future$/],
  ])('refuses %s', (_name, value, detail) => expect(time(value)).toEqual(refused(detail)));

  test('ISO text of any accepted time is read back as the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: now - 90 * DAY_MS, max: now + 300_000 }), (at) => {
        expect(time(new Date(at).toISOString())).toEqual(accepted(at));
      }),
    );
  });
});

describe('numbers, errors, segments', () => {
  test.each<readonly [string, unknown, unknown]>([
    ['a number', 12.5, accepted(12.5)],
    ['the least', 0, accepted(0)],
    ['absent', undefined, accepted(NaN)],
    ['null', null, accepted(NaN)],
    ['below', -0.001, refused(/^latency_ms must not be below 0$/)],
    ['text', '12', refused(/^latency_ms must be a number, not a string$/)],
    ['infinite', Infinity, refused(/^latency_ms is too large for a double$/)],
    ['the most', 1e6, accepted(1e6)],
    ['above', 1e6 + 1, refused(/^latency_ms must not be above 1000000$/)],
  ])('number: %s', (_name, value, result) => expect(readNumber(value, 'latency_ms', 0, 1e6)).toEqual(result));

  test.each<readonly [string, unknown, unknown]>([
    ['absent', undefined, accepted(null)],
    ['null', null, accepted(null)],
    ['text', 'timeout', accepted('timeout')],
    ['an object: its type', { type: 'timeout', message: 'after 3 s' }, accepted('timeout')],
    ['an object without a type', { message: 'after 3 s' }, refused(/^error.type must be a string/)],
    ['empty', '', refused(/^error must not be empty$/)],
    ['a number', 500, refused(/^error must be a string, not a number$/)],
    ['a list', ['timeout'], refused(/must be a string, not an array$/)],
  ])('error: %s', (_name, value, result) => expect(readError(value)).toEqual(result));

  const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
  test.each<readonly [string, unknown, unknown]>([
    ['absent', undefined, accepted(null)],
    ['empty', {}, accepted(null)],
    [
      'text, number, boolean, null',
      { a: 'web', b: 1, c: true, d: null },
      accepted('{"a":"web","b":1,"c":true,"d":null}'),
    ],
    ['a hostile key', JSON.parse('{"__proto__":"x"}'), accepted('{"__proto__":"x"}')],
    ['16 keys', keys(16), accepted(JSON.stringify(keys(16)))],
    ['17 keys', keys(17), refused(/^segment has 17 keys, at most 16 are allowed$/)],
    ['a list', ['web'], refused(/^segment must be an object, not an array$/)],
    ['text', 'web', refused(/^segment must be an object, not a string$/)],
    ['an object in it', { a: {} }, refused(/^segment.a must be a string, a number or a boolean$/)],
    ['a long value', { a: 'x'.repeat(201) }, refused(/^segment.a is too long/)],
    ['NUL in a value', { a: '\0' }, refused(/^segment.a .*NUL/)],
    ['NUL in a key', { 'a\0': 1 }, refused(/^a key of segment .*NUL/)],
    ['a long key', { ['x'.repeat(201)]: 1 }, refused(/^a key of segment is too long/)],
    // jsonb refuses the escape that JSON.stringify makes of it, and with it the whole batch.
    ['half a surrogate pair in a value', { a: '\ud83d' }, refused(/^segment.a .*surrogate/)],
    ['half a surrogate pair in a key', { '\udc00': 1 }, refused(/^a key of segment .*surrogate/)],
  ])('segment: %s', (_name, value, result) => expect(readSegment(value)).toEqual(result));

  test.each<readonly [string, string, RegExp | null]>([
    ['empty', '', null],
    ['1000 characters', 'x'.repeat(1000), null],
    ['1001 characters', 'x'.repeat(1001), /^has 1001 characters, at most 1000 are allowed$/],
    ['NUL', 'a\0', /^contains a NUL character$/],
    ['half a surrogate pair', '\ud800', /^contains half a surrogate pair$/],
  ])('a categorical value: %s', (_name, text, problem) => {
    expect(textProblem(text)).toEqual(problem === null ? null : expect.stringMatching(problem));
  });
});

const readers = [
  (value: unknown) => readName(value, 'model'),
  (value: unknown) => readNumber(value, 'score'),
  readVersion,
  readId,
  time,
  readError,
  readSegment,
];

test('no reader throws, whatever the value', () => {
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.jsonValue(), fc.string({ minLength: 201 })), (value) => {
      expect(kindOf(value)).toMatch(/^(null|absent|an? \w+)$/);
      for (const read of readers) expect(typeof read(value).ok).toBe('boolean');
    }),
  );
});

test.each([`secret\0`, `secret${'x'.repeat(600)}`])('no reader shows the text of a value that it refuses', (value) => {
  for (const read of readers) {
    for (const result of [read(value), read({ a: value }), read({ type: value })])
      expect(result.ok ? '' : result.detail).not.toContain('secret');
  }
});

test.each([
  ['latency', '/latency'],
  ['a/b~c', '/a~1b~0c'],
  ['', '/'],
  ['k'.repeat(100), `/${'k'.repeat(80)}`],
])('the pointer to %p', (key, pointer) => expect(pointerTo(key)).toBe(pointer));
