import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { reference } from '../../test/fixtures/scipy-reference.ts';
import { benjaminiHochberg } from './multiple-testing.ts';

test('matches the reference, in any order', () => {
  const { p, adj } = reference.bh;
  benjaminiHochberg(p).forEach((value, i) => expect(value).toBeCloseTo(adj[i]!, 12));
  benjaminiHochberg([...p].reverse()).forEach((value, i) => expect(value).toBeCloseTo(adj[adj.length - 1 - i]!, 12));
});

test('a test that could not be made does not count', () => {
  expect([...benjaminiHochberg([0.01, NaN, 0.04])]).toEqual([0.02, NaN, 0.04]);
  expect([...benjaminiHochberg([])]).toEqual([]);
});

test('property: never below the raw p, never above 1, in the same order', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (p) => {
      const adjusted = benjaminiHochberg(p);
      return p.every(
        (raw, i) =>
          adjusted[i]! >= raw &&
          adjusted[i]! <= 1 &&
          p.every((other, j) => other < raw || adjusted[j]! >= adjusted[i]!),
      );
    }),
  );
});
