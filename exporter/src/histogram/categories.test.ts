import { expect, test } from '@jest/globals';
import {
  anyCategory,
  buildCategoryBins,
  categoryBins,
  categoryCellCount,
  categoryCells,
  categoryCode,
  OTHER,
} from './categories.ts';

const COUNTS = new Map([
  ['de', 5],
  ['us', 9],
  ['at', 5],
  ['gone', 0],
]);

test('codes follow frequency, ties the name; categories without rows are left out', () => {
  const bins = buildCategoryBins(COUNTS, 10);
  expect(bins.categories).toEqual(['us', 'at', 'de']);
  expect(['us', 'at', 'de', 'gone', 'never'].map((value) => categoryCode(bins, value))).toEqual([
    0,
    1,
    2,
    OTHER,
    OTHER,
  ]);
});

test('beyond the cap is OTHER, and the cap never exceeds 200', () => {
  expect(buildCategoryBins(COUNTS, 1).categories).toEqual(['us']);
  const many = new Map(Array.from({ length: 300 }, (_, i) => [`c${i}`, 300 - i]));
  const bins = buildCategoryBins(many, 1000);
  expect(bins.categories).toHaveLength(200);
  expect(categoryCode(bins, 'c199')).toBe(199);
  expect(categoryCode(bins, 'c200')).toBe(OTHER);
});

test('names of object properties are ordinary categories', () => {
  const bins = buildCategoryBins(new Map([['', 3]]), 10);
  expect(categoryCode(bins, '')).toBe(0);
  expect(categoryCode(bins, 'constructor')).toBe(OTHER);
});

test('without a baseline every present value has code 0', () => {
  expect(categoryCode(anyCategory(), 'anything')).toBe(0);
});

test('a stored dictionary gives the same codes; too long a one is refused', () => {
  const bins = buildCategoryBins(COUNTS, 10);
  expect(categoryBins(bins.categories)).toEqual(bins);
  expect(() => categoryBins(Array.from({ length: 201 }, (_, i) => String(i)))).toThrow(RangeError);
});

test('cells are the categories and OTHER; missing values are none', () => {
  const bins = buildCategoryBins(COUNTS, 2);
  const counts = new Uint32Array(256);
  counts[0] = 7;
  counts[1] = 4;
  counts[OTHER] = 3;
  counts[252] = 100;
  expect(categoryCellCount(bins)).toBe(3);
  expect([...categoryCells(bins, counts, new Float64Array(3))]).toEqual([7, 4, 3]);
});
