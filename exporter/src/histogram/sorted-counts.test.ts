import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SortedCounts } from './sorted-counts.ts';

const countsOf = (pairs: Iterable<readonly [number, number]>): SortedCounts => {
  const counts = new SortedCounts();
  for (const [code, count] of pairs) counts.set(code, count);
  return counts;
};

describe('sorted counts', () => {
  test('none', () => {
    const none = new SortedCounts();
    expect([[...none], none.size, none.total, none.get(3), none.highest]).toEqual([[], 0, 0, 0, -Infinity]);
  });

  test('in order, whatever the order they came in', () => {
    const counts = countsOf([
      [9, 1],
      [2, 5],
      [4, 3],
    ]);
    counts.add(4, 2);
    expect([...counts]).toEqual([
      [2, 5],
      [4, 5],
      [9, 1],
    ]);
    expect([counts.size, counts.total, counts.get(4), counts.get(5), counts.highest]).toEqual([3, 11, 5, 0, 9]);
    expect([...counts.set(4, 0)]).toEqual([
      [2, 5],
      [9, 1],
    ]);
  });

  test('of places: those that are not 0, within the range', () => {
    expect([...SortedCounts.of([4, 0, 2, 0, 9], 1, 4)]).toEqual([[2, 2]]);
    expect([...SortedCounts.of([4, 0], Infinity, 0)]).toEqual([]);
  });

  test.each([
    ['the first', 1, 2],
    ['the last of the first code', 5, 2],
    ['the next', 6, 4],
    ['the last', 8, 4],
    ['beyond the last', 9, 4],
  ])('code of a rank: %s', (_, rank, code) => {
    const counts = countsOf([
      [2, 5],
      [4, 3],
    ]);
    expect(counts.codeOfRank(rank)).toBe(code);
  });

  test('property: as a Map counts, and adding up leaves what was added as it was', () => {
    const pairs = fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 9 })));
    fc.assert(
      fc.property(pairs, pairs, (some, others) => {
        const map = new Map<number, number>();
        const [a, b] = [new SortedCounts(), new SortedCounts()];
        for (const [code, count] of some) a.add(code, count);
        for (const [code, count] of others) b.add(code, count);
        for (const [code, count] of [...some, ...others]) map.set(code, (map.get(code) ?? 0) + count);
        const before = [...b];
        a.addAll(b);
        expect([...a]).toEqual([...map].sort(([x], [y]) => x - y));
        a.add(7, 1);
        expect([...b]).toEqual(before);
      }),
    );
  });
});
