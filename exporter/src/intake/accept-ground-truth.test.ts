import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { acceptGroundTruth } from './accept-ground-truth.ts';
import { separate } from './formats/json-events.ts';
import { toGroundTruth } from './formats/labels.ts';

const now = Date.UTC(2026, 10, 23, 10);
type Event = Readonly<Record<string, unknown>>;

const good: Event = { model: 'churn', prediction_id: 'a', label: 'yes', timestamp: now };
const decode = (events: readonly unknown[]) => separate(events.map(toGroundTruth));
const accept = (events: readonly unknown[], maxRows = 100) =>
  acceptGroundTruth(decode(events), { now: () => now }, maxRows);

describe('labels', () => {
  test.each<readonly [string, unknown, string | null, number]>([
    ['text', 'yes', 'yes', NaN],
    ['text of a number', '1', '1', NaN],
    ['names of object properties', '__proto__', '__proto__', NaN],
    ['200 characters', 'c'.repeat(200), 'c'.repeat(200), NaN],
    ['a boolean', false, 'false', NaN],
    ['a whole number', 1, '1', 1],
    ['negative zero', -0, '0', -0],
    ['a fraction', 0.5, null, 0.5],
    ['beyond exact integers', 2 ** 53, null, 2 ** 53],
  ])('%s', (_name, label, className, value) => {
    expect(accept([{ ...good, label }])).toMatchObject({ labels: [{ className, value }], errors: [] });
  });

  test('ids join as those of predictions do; without a time it is the arrival; age does not matter', () => {
    const uuid = '9F1C2D3E-4A5B-6C7D-8E9F-0A1B2C3D4E5F';
    const events = [
      { ...good, prediction_id: 7 },
      { ...good, prediction_id: '7', timestamp: null },
    ];
    const { labels, errors } = accept([...events, { ...good, prediction_id: uuid, timestamp: '1999-01-01T00:00:00Z' }]);
    expect(errors).toEqual([]);
    expect(labels[0]!.idKey).toBe(labels[1]!.idKey);
    expect(labels[2]!.idKey).toBe('9f1c2d3e4a5b6c7d8e9f0a1b2c3d4e5f');
    expect(labels.map(({ timeMs }) => timeMs)).toEqual([now, now, Date.UTC(1999, 0)]);
  });

  test.each<readonly [string, Event, string, RegExp]>([
    ['an unknown key', { score: 1 }, '/score', /^unknown key; a label has model, prediction_id, label and timestamp$/],
    ['an unknown key, escaped and cut', { [`a/b~${'c'.repeat(99)}`]: 1 }, `/a~1b~0${'c'.repeat(76)}`, /^unknown key/],
    ['no model', { model: undefined }, '/model', /^model must be a string, not absent$/],
    ['NUL in the model', { model: 'a\0' }, '/model', /NUL/],
    ['no id', { prediction_id: undefined }, '/prediction_id', /^prediction_id is required: a label joins/],
    ['an id of null', { prediction_id: null }, '/prediction_id', /^prediction_id is required/],
    ['an id with a fraction', { prediction_id: 1.5 }, '/prediction_id', /whole number/],
    ['a time six minutes ahead', { timestamp: now + 360_000 }, '/timestamp', /more than 5 minutes in the future/],
    ['a time in words', { timestamp: 'now' }, '/timestamp', /RFC 3339/],
    ['no label', { label: undefined }, '/label', /^label must be a number, a string or a boolean, not absent$/],
    ['null', { label: null }, '/label', /not null$/],
    ['a list', { label: [1] }, '/label', /not an array$/],
    ['an object', { label: {} }, '/label', /not an object$/],
    ['empty text', { label: '' }, '/label', /^a label has 1 to 200 characters$/],
    ['201 characters', { label: 'c'.repeat(201) }, '/label', /^a label has 1 to 200 characters$/],
    ['NUL', { label: 'a\0' }, '/label', /^label contains a NUL character$/],
    ['half a surrogate pair', { label: '\ud800' }, '/label', /^label contains half a surrogate pair$/],
    ['infinite', { label: Infinity }, '/label', /^label is too large for a double$/],
  ])('refuses %s, and its neighbours stay', (_name, change, pointer, detail) => {
    const { labels, errors } = accept([good, { ...good, ...change }, good]);
    expect(labels.map(({ index }) => index)).toEqual([0, 2]);
    expect(errors).toEqual([{ index: 1, pointer, detail: expect.stringMatching(detail) }]);
  });
});

test('errors of decoding and of reading come in order of the rows', () => {
  expect(accept([{ ...good, label: null }, 7, good, null, {}]).errors.map(({ index }) => index)).toEqual([0, 1, 3, 4]);
});

test('more rows than allowed are refused; none are fine', () => {
  expect(accept([])).toEqual({ labels: [], errors: [] });
  expect(accept([good, good], 2).labels).toHaveLength(2);
  const tooMany = { code: 'invalid', message: 'The request has 3 rows, at most 2 are allowed.' };
  expect(() => accept([good, good, good], 2)).toThrow(expect.objectContaining(tooMany));
});

test('a good label among arbitrary ones is always accepted, and every row is counted once', () => {
  const odd = fc.dictionary(fc.constantFrom(...Object.keys(good), 'id'), fc.oneof(fc.jsonValue(), fc.constant('a\0')));
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.jsonValue(), odd, fc.constant(good)), { maxLength: 30 }), (events) => {
      const { labels, errors } = accept(events);
      const seen = [...labels, ...errors].map(({ index }) => index).sort((a, b) => a - b);
      expect(seen).toEqual(events.map((_, index) => index));
      const accepted = new Set(labels.map(({ index }) => index));
      events.forEach((event, i) => expect(event === good && !accepted.has(i)).toBe(false));
      for (const { idKey } of labels) expect(idKey).toMatch(/^[0-9a-f]{32}$/);
    }),
  );
});
