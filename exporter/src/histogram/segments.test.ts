import { describe, expect, test } from '@jest/globals';

import { MAX_SEGMENT_VALUES, missingSegments, OTHER_SEGMENT, segmentIdsOf } from './segments.ts';

const index = new Map([
  [
    'channel',
    new Map([
      ['web', 4],
      ['true', 5],
      ['7', 6],
    ]),
  ],
  ['shop', new Map<string, number>()],
]);
const full = new Map([['channel', new Map(Array.from({ length: MAX_SEGMENT_VALUES }, (_, i) => [`c${i}`, i + 1]))]]);
const overflowing = new Map([['channel', new Map([...full.get('channel')!, [OTHER_SEGMENT, 99]])]]);
const json = (segment: object | null) => (segment === null ? null : JSON.stringify(segment));

describe('ids that a row counts in', () => {
  test.each([
    ['its value', index, { channel: 'web' }, [4]],
    ['a boolean is its text', index, { channel: true }, [5]],
    ['a number too', index, { channel: 7 }, [6]],
    ['a key that is not configured', index, { region: 'web' }, []],
    ['no segment', index, null, []],
    ['a value that nobody registered', index, { channel: 'fax' }, []],
    ['beyond the cap: the rest', overflowing, { channel: 'fax' }, [99]],
    ['an own property only', index, { toString: 'web' }, []],
    ['nothing configured', new Map<string, Map<string, number>>(), { channel: 'web' }, []],
  ])('%s', (_name, of, segment, ids) => expect(segmentIdsOf(of, json(segment))).toEqual(ids));
});

describe('values that must be registered first', () => {
  test.each([
    ['known', index, { channel: 'web' }, []],
    ['new', index, { channel: 'fax', shop: 1 }, ['channel fax', 'shop 1']],
    ['of a key that is not configured', index, { region: 'x' }, []],
    ['beyond the cap: that there is a rest', full, { channel: 'fax' }, ['channel fax']],
    ['beyond the cap, and there is one', overflowing, { channel: 'fax' }, []],
    ['no segment', index, null, []],
  ])('%s', (_name, of, segment, missing) =>
    expect(missingSegments(of, json(segment)).map(({ key, value }) => `${key} ${value}`)).toEqual(missing),
  );
});
