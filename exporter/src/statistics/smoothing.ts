/** Pseudo-count of every cell: (c + 1/2) / (n + K/2), so that an empty cell is rare, not impossible (Jeffreys' prior). */
export const JEFFREYS = 0.5;

/**
 * What (count + pseudoCount) is multiplied by to become the smoothed share of its cell; the shares of all cells sum to 1.
 *
 * @param counts by cell
 * @param cells how many cells to read
 * @param pseudoCount added to each cell; 0 for none
 * @returns NaN for counts without any value
 *
 * Example: counts [50, 50, 0], pseudo-count .5 -> 1 / 101.5.
 */
export function shareScale(counts: ArrayLike<number>, cells: number, pseudoCount: number): number {
  const all = total(counts, cells);
  return all === 0 ? NaN : 1 / (all + pseudoCount * cells);
}

/** Sum of the counts of the first `cells` cells. */
export function total(counts: ArrayLike<number>, cells: number): number {
  let sum = 0;
  for (let cell = 0; cell < cells; cell++) sum += counts[cell]!;
  return sum;
}
