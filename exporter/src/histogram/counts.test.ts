import { describe, expect, test } from '@jest/globals';
import { FeatureCounts } from './counts.ts';

const COLUMN = 1;
const CELL = 256 + 7;

describe('counts are as wide as their rows need', () => {
  test.each([
    ['a byte', 255, 1],
    ['two bytes', 256, 2],
    ['two bytes at the most', 65_535, 2],
    ['four bytes', 65_536, 4],
  ])('%s for %i rows, all in one cell', (_name, rows, bytes) => {
    const counts = new FeatureCounts(2, 0);
    const before = counts.column(COLUMN);
    for (const half of [Math.floor(rows / 2), Math.ceil(rows / 2)]) {
      counts.reserve(half);
      counts.rows += half;
      counts.counts[CELL] = counts.counts[CELL]! + half;
    }
    expect(counts.counts.BYTES_PER_ELEMENT).toBe(bytes);
    expect(counts.column(COLUMN)[7]).toBe(rows);
    expect(before === counts.column(COLUMN)).toBe(bytes === 1);
  });

  test('adding, and further columns, keep what was counted', () => {
    const sum = new FeatureCounts(1, 0);
    const other = new FeatureCounts(2);
    other.rows = 200;
    other.counts[CELL] = 200;
    sum.add(other);
    expect([sum.columns, sum.counts.BYTES_PER_ELEMENT]).toEqual([2, 1]);
    sum.add(other);
    sum.ensureColumns(4);
    expect([sum.columns, sum.counts.BYTES_PER_ELEMENT, sum.rows, sum.column(COLUMN)[7]]).toEqual([4, 2, 400, 400]);
  });

  test('from the start where nothing is said of the rows', () => {
    expect(new FeatureCounts(1).counts.BYTES_PER_ELEMENT).toBe(4);
  });
});
