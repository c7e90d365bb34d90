import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { binColumn, binInto, binOf, prepareEdges, preparedEdges } from './binner.ts';

const plainBin = (edges: Float64Array, value: number): number => edges.filter((edge) => edge < value).length;

test('bins are upper-inclusive', () => {
  const edges = Float64Array.of(1, 2);
  const prepared = prepareEdges(edges);
  expect([1, 1.5, 2, 2.1].map((value) => binInto(prepared, value))).toEqual([0, 1, 1, 2]);
  expect([1, 1.5, 2, 2.1].map((value) => binOf(edges, value))).toEqual([0, 1, 1, 2]);
});

describe('property: both searches equal the count of edges below the value', () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  test.each([0, 1, 15, 16, 17, 100, 251, 255])('%i edges', (length) => {
    const edgeSets = fc.uniqueArray(finite, { minLength: length, maxLength: length, comparator: (a, b) => a === b });
    fc.assert(
      fc.property(edgeSets, fc.array(finite, { maxLength: 20 }), (unsorted, values) => {
        const edges = Float64Array.from(unsorted).sort();
        const prepared = prepareEdges(edges);
        for (const value of [...values, ...unsorted, -Number.MAX_VALUE, Number.MAX_VALUE, 0, -0]) {
          const expected = plainBin(edges, value);
          expect(binInto(prepared, value)).toBe(expected);
          expect(binOf(edges, value)).toBe(expected);
        }
      }),
      { numRuns: 20 },
    );
  });
});

test('a column is binned value by value', () => {
  const codes = new Uint8Array(4).fill(99);
  binColumn(prepareEdges(Float64Array.of(0, 10)), Float64Array.of(11, -1, 10), codes);
  expect([...codes]).toEqual([2, 0, 1, 99]);
});

test('more edges than a byte can name are refused; prepared edges are made once', () => {
  expect(() => prepareEdges(new Float64Array(256))).toThrow(RangeError);
  const prepared = prepareEdges(Float64Array.of(1));
  expect(preparedEdges({ prepared })).toBe(prepared);
});
