import { JEFFREYS, shareScale } from './smoothing.ts';

/**
 * Population stability index: sum of (p - q) ln(p / q), that is KL both ways. Custom calls .1 a moderate and .25 a large shift; it
 * grows with the number of cells, so ten cells of equal baseline mass are meant.
 *
 * @param baseline counts by cell
 * @param current counts by cell
 * @param cells how many cells to read
 * @param pseudoCount added to each cell of both sides (see smoothing.ts); 0 for none
 * @returns 0 or more; NaN for an empty side
 *
 * Example: baseline [50, 50, 0], current [45, 45, 10] -> 0.3102.
 */
export function populationStabilityIndex(
  baseline: ArrayLike<number>,
  current: ArrayLike<number>,
  cells: number,
  pseudoCount: number = JEFFREYS,
): number {
  const baselineScale = shareScale(baseline, cells, pseudoCount);
  const currentScale = shareScale(current, cells, pseudoCount);
  if (Number.isNaN(baselineScale + currentScale)) return NaN;
  let index = 0;
  for (let k = 0; k < cells; k++) {
    const p = (current[k]! + pseudoCount) * currentScale;
    const q = (baseline[k]! + pseudoCount) * baselineScale;
    if (p !== q) index += (p - q) * Math.log(p / q);
  }
  return index;
}
