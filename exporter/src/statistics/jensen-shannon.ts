import { JEFFREYS, shareScale } from './smoothing.ts';

/**
 * Jensen-Shannon distance, base 2: the square root of the mean KL divergence of both sides from their average. A metric; symmetric.
 *
 * @param baseline counts by cell
 * @param current counts by cell
 * @param cells how many cells to read
 * @param pseudoCount added to each cell of both sides (see smoothing.ts); 0 for none
 * @returns 0 (equal) .. 1 (nothing in common); NaN for an empty side
 *
 * Example: baseline [10, 20, 30, 25, 15], current [5, 10, 20, 30, 35], no smoothing -> 0.2387.
 */
export function jensenShannonDistance(
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
    const middle = (p + q) / 2;
    if (p > 0) divergence += p * Math.log(p / middle);
    if (q > 0) divergence += q * Math.log(q / middle);
  }
  return Math.sqrt(Math.min(1, Math.max(0, divergence / (2 * Math.LN2))));
}
