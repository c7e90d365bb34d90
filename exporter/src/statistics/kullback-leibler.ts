import { JEFFREYS, shareScale } from './smoothing.ts';

/**
 * Kullback-Leibler divergence KL(current || baseline) in nats, on coarse cells with Jeffreys smoothing.
 *
 * Use about ten cells of equal baseline mass: on 256 fine bins and 500 values its mean is .18 with no drift at all, on ten .009;
 * on cells of equal width a lognormal shift of 1 gives .10 instead of .44.
 */

/**
 * Adds fine bins up into coarse cells.
 *
 * @param counts by fine bin; entries beyond map.length are not read
 * @param map coarse cell of each fine bin, 0..cells-1
 * @param out overwritten up to `cells`; returned
 */
export function coarsen(counts: ArrayLike<number>, map: Uint8Array, cells: number, out: Float64Array): Float64Array {
  for (let k = 0; k < cells; k++) out[k] = 0;
  // Bins of a cell stand together: their sum is kept in a register until the cell changes.
  let cell = 0;
  let sum = 0;
  for (let i = 0; i < map.length; i++) {
    if (map[i]! !== cell) {
      out[cell] = out[cell]! + sum;
      cell = map[i]!;
      sum = 0;
    }
    sum += counts[i]!;
  }
  if (map.length > 0) out[cell] = out[cell]! + sum;
  return out;
}

/**
 * Not symmetric. Smoothed, it is finite for any counts; without smoothing it is Infinity where the current window has values in a
 * cell that is empty in the baseline.
 *
 * @param baseline counts by cell
 * @param current counts by cell
 * @param cells how many cells to read
 * @param pseudoCount added to each cell of both sides; 0 for none
 * @returns 0 (equal shares) or more; NaN for an empty side
 *
 * Example: baseline [50, 50, 0], current [45, 45, 10] -> 0.2215.
 */
export function klDivergence(
  baseline: ArrayLike<number>,
  current: ArrayLike<number>,
  cells: number,
  pseudoCount: number = JEFFREYS,
): number {
  const baselineScale = shareScale(baseline, cells, pseudoCount);
  const currentScale = shareScale(current, cells, pseudoCount);
  if (Number.isNaN(baselineScale + currentScale)) return NaN;
  let divergence = 0;
  for (let k = 0; k < cells; k++) {
    const p = (current[k]! + pseudoCount) * currentScale;
    const q = (baseline[k]! + pseudoCount) * baselineScale;
    if (p > 0) divergence += p * Math.log(p / q);
  }
  return Math.max(0, divergence);
}
