/**
 * A feature's edges laid out for the search: [0..15] every sixteenth edge, then all edges, both padded with +Infinity to runs of 16.
 * Two levels of 16 touch two short runs of memory; with thousands of models, whose edges are seldom in the cache, that halves the
 * cost of a plain branchless search over 256 and leaves it alone for one model (bench/statistics.bench.ts).
 */
export type PreparedEdges = Float64Array;

const TOP = 16;
const PADDED = 256;

/**
 * @param edges ascending, at most 255
 * @throws RangeError for more edges than a byte can name
 */
export function prepareEdges(edges: Float64Array): PreparedEdges {
  if (edges.length >= PADDED) throw new RangeError(`${edges.length} edges, at most ${PADDED - 1} fit a byte`);
  // Runs of 16 beyond the last edge are never searched.
  const runs = (edges.length >>> 4) + 1;
  const prepared = new Float64Array(TOP + runs * 16).fill(Infinity);
  prepared.set(edges, TOP);
  for (let k = 0; k < runs - 1; k++) prepared[k] = prepared[TOP + k * 16 + 15]!;
  return prepared;
}

/** The plain edges, as a view. */
export function edgesIn(prepared: PreparedEdges, count: number): Float64Array {
  return prepared.subarray(TOP, TOP + count);
}

/** The edges of bins as the search wants them; made once, with the bins. */
export function preparedEdges(bins: { readonly prepared: PreparedEdges }): PreparedEdges {
  return bins.prepared;
}

/**
 * Bin of a value: the number of edges below it, so that bin i is (edges[i-1], edges[i]]. The comparisons become 0 or 1 and never a
 * branch, for which the predictor would be wrong half of the time.
 *
 * NaN and infinities must be counted apart by the caller: NaN is below nothing and would fall silently into bin 0.
 *
 * Example: edges [1, 2]: 1 -> 0, 1.5 -> 1, 2 -> 1, 2.1 -> 2.
 */
export function binInto(prepared: PreparedEdges, value: number): number {
  let leaf = Number(prepared[7]! < value) << 3;
  leaf += Number(prepared[leaf + 3]! < value) << 2;
  leaf += Number(prepared[leaf + 1]! < value) << 1;
  leaf += Number(prepared[leaf]! < value);
  const run = TOP + (leaf << 4);
  let bin = Number(prepared[run + 7]! < value) << 3;
  bin += Number(prepared[run + bin + 3]! < value) << 2;
  bin += Number(prepared[run + bin + 1]! < value) << 1;
  bin += Number(prepared[run + bin]! < value);
  return (leaf << 4) + bin;
}

/** Bins of a whole column of finite values, into `codes` (at least as long). */
export function binColumn(prepared: PreparedEdges, values: Float64Array, codes: Uint8Array): void {
  for (let i = 0; i < values.length; i++) codes[i] = binInto(prepared, values[i]!);
}

/** The same bin by plain bisection, without preparation: for a handful of values. */
export function binOf(edges: Float64Array, value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (edges[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
