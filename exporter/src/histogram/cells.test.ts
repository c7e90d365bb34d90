import { describe, expect, test } from '@jest/globals';

import { buildNumericBins, MISSING, NOT_FINITE, TYPE_ERROR, unbinned } from './bin-scheme.ts';
import { anyCategory, categoryBins, OTHER } from './categories.ts';
import { cellOfCode, cellsOf, NO_CELL } from './cells.ts';
import { coarsen } from '../statistics/kullback-leibler.ts';

const uniform = buildNumericBins(Float64Array.from({ length: 1_000 }, (_, i) => i));

describe('cells of a numeric feature', () => {
  test('are named by their upper bounds, which divide the baseline into tenths', () => {
    const cells = cellsOf(uniform);
    expect(cells.map(({ name }) => name)).toEqual([
      '99',
      '199',
      '299',
      '399',
      '499',
      '599',
      '699',
      '799',
      '899',
      '+Inf',
    ]);
    expect(cells[0]).toMatchObject({ lower: -Infinity, upper: 99 });
    expect(cells[9]).toMatchObject({ lower: 899, upper: Infinity });
  });

  test('take exactly the codes that the drift statistics take', () => {
    const counts = Uint32Array.from({ length: 256 }, (_, code) => code + 1);
    const expected = coarsen(counts, uniform.deciles, uniform.coarseCells, new Float64Array(10));
    const found = new Float64Array(10);
    for (let code = 0; code < 256; code++) {
      const cell = cellOfCode(uniform, code);
      if (cell !== NO_CELL) found[cell]! += counts[code]!;
    }
    expect([...found]).toEqual([...expected]);
  });

  test('before there is a baseline there is one', () => {
    expect(cellsOf(unbinned()).map(({ name }) => name)).toEqual(['+Inf']);
  });
});

describe('cells of a categorical feature', () => {
  const bins = categoryBins(['north', 'south']);

  test.each([
    ['a category', 1, 1],
    ['any other', OTHER, 2],
    ['a code that no category has', 7, NO_CELL],
    ['missing', MISSING, NO_CELL],
    ['of the wrong type', TYPE_ERROR, NO_CELL],
    ['not finite', NOT_FINITE, NO_CELL],
  ])('%s', (_name, code, cell) => expect(cellOfCode(bins, code)).toBe(cell));

  test.each([
    ['named as the categories, the rest last', ['north', 'south'], ['north', 'south', '__other__']],
    ['a category called like the rest', ['__other__', 'x'], ['__other__', 'x', '___other__']],
    ['none', [], ['__other__']],
  ])('%s', (_name, categories, names) =>
    expect(cellsOf(categoryBins(categories)).map(({ name }) => name)).toEqual(names),
  );

  test('before there is a baseline only the rest', () => {
    expect(cellsOf(anyCategory())).toHaveLength(1);
  });
});
