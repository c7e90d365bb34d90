import { expect, test } from '@jest/globals';
import { buildNumericBins, unbinned } from './bin-scheme.ts';
import { packBins } from './pack-bins.ts';

const spreadOut = (scale: number) =>
  buildNumericBins(Float64Array.from({ length: 1_000 }, (_, i) => scale * Math.sqrt(i + 1)));
const columns = [spreadOut(1), spreadOut(-3), buildNumericBins(Float64Array.of(0, 0, 1, 2)), unbinned()];

test('says the same', () => {
  expect(packBins(columns)).toEqual(columns);
  expect(packBins([])).toEqual([]);
});

test('in one run of memory, and what is said alike of two columns once', () => {
  const packed = packBins(columns);
  const memory = new Set(
    packed.flatMap(({ edges, prepared, ...of }) => [edges, prepared, of.atoms, of.deciles].map(({ buffer }) => buffer)),
  );
  expect(memory.size).toBe(1);
  expect(packed[0]!.atoms).toBe(packed[1]!.atoms);
  expect(packed[0]!.atoms).not.toBe(packed[2]!.atoms);
});
