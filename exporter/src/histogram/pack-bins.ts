import { edgesIn } from './binner.ts';
import type { NumericBins } from './bin-scheme.ts';

/**
 * The same bins in one run of memory, column after column. With thousands of models nothing of a scheme is in the processor's cache when
 * a row is counted or a version evaluated: what stands together is fetched ahead, and five arrays of their own a column would be as
 * many waits for memory, and half again as much of it.
 */
export function packBins(columns: readonly NumericBins[]): NumericBins[] {
  const doubles = columns.reduce((sum, { prepared }) => sum + prepared.length, 0);
  const bytes = columns.reduce((sum, { atoms }) => sum + 3 * atoms.length, 0);
  const memory = new ArrayBuffer(doubles * Float64Array.BYTES_PER_ELEMENT + bytes);
  let doublesAt = 0;
  let bytesAt = doubles * Float64Array.BYTES_PER_ELEMENT;
  const place = (of: Uint8Array): Uint8Array => {
    const placed = new Uint8Array(memory, bytesAt, of.length);
    placed.set(of);
    bytesAt += of.length;
    return placed;
  };
  return columns.map((bins) => {
    const prepared = new Float64Array(memory, doublesAt, bins.prepared.length);
    prepared.set(bins.prepared);
    doublesAt += bins.prepared.byteLength;
    return {
      ...bins,
      prepared,
      edges: edgesIn(prepared, bins.edges.length),
      atoms: place(bins.atoms),
      deciles: place(bins.deciles),
      sumBins: place(bins.sumBins),
    };
  });
}
