import { edgesIn } from './binner.ts';
import type { NumericBins } from './bin-scheme.ts';

/**
 * The same bins in one run of memory, column after column. With thousands of models nothing of a scheme is in the processor's cache when
 * a row is counted or a version evaluated: what stands together is fetched ahead, and five arrays of their own a column would be as
 * many waits for memory, and half again as much of it. What is said of each bin is kept once for all columns that say the same, as those
 * do whose baseline has as many distinct values: a quarter of a scheme.
 */
export function packBins(columns: readonly NumericBins[]): NumericBins[] {
  const ofBins = distinct(columns.flatMap(({ atoms, deciles, sumBins }) => [atoms, deciles, sumBins]));
  const doubles = columns.reduce((sum, { prepared }) => sum + prepared.length, 0);
  const bytes = [...ofBins.values()].reduce((sum, of) => sum + of.length, 0);
  const memory = new ArrayBuffer(doubles * Float64Array.BYTES_PER_ELEMENT + bytes);
  let doublesAt = 0;
  let bytesAt = doubles * Float64Array.BYTES_PER_ELEMENT;
  for (const [content, of] of ofBins) {
    const placed = new Uint8Array(memory, bytesAt, of.length);
    placed.set(of);
    bytesAt += of.length;
    ofBins.set(content, placed);
  }
  return columns.map(({ kind, edges, prepared, atoms, deciles, coarseCells, sumBins, distinctValues }) => {
    const placed = new Float64Array(memory, doublesAt, prepared.length);
    placed.set(prepared);
    doublesAt += placed.byteLength;
    return {
      kind,
      edges: edgesIn(placed, edges.length),
      prepared: placed,
      atoms: ofBins.get(contentOf(atoms))!,
      deciles: ofBins.get(contentOf(deciles))!,
      coarseCells,
      sumBins: ofBins.get(contentOf(sumBins))!,
      distinctValues,
    };
  });
}

function distinct(arrays: readonly Uint8Array[]): Map<string, Uint8Array> {
  return new Map(arrays.map((of) => [contentOf(of), of]));
}

function contentOf(of: Uint8Array): string {
  return String.fromCharCode(...of);
}
