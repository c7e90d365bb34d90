import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { didYouMean, editDistance, suggest } from './suggest.ts';

describe('editDistance', () => {
  test.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['windows', 'window', 1],
    ['wieghts', 'weights', 1],
    ['ca', 'abc', 3],
  ])('%s to %s', (a, b, expected) => {
    expect(editDistance(a, b)).toBe(expected);
  });

  test('is symmetric, zero only for equals, and at most the longer length', () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

describe('suggest', () => {
  const known = ['windows', 'thresholds', 'weights', 'auth'];

  test.each([
    ['treshold', 'thresholds'],
    ['Weights', 'weights'],
    ['window', 'windows'],
    ['atuh', 'auth'],
    ['colour', undefined],
    ['', undefined],
  ])('%s', (word, expected) => {
    expect(suggest(word, known)).toBe(expected);
  });

  test('ends a message', () => {
    expect(didYouMean('wieghts', known)).toBe('; did you mean "weights"?');
    expect(didYouMean('colour', known)).toBe('');
  });
});
