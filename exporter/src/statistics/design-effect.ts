import { chi2Quantile, chi2Sf } from './chi-square.ts';
import { total } from './smoothing.ts';

/**
 * The design effect of counts over time: how many times as much the shares of a stretch of time vary as those of so many independent
 * values would. n values of which each says what others said before (users who come again) count for n / effect independent ones.
 *
 * First-order correction of Rao and Scott (1981), The analysis of categorical data from complex sample surveys, JASA 76: the mean over
 * the degrees of freedom of Pearson's chi-square. Here of the differences of neighbours (von Neumann 1941), so that a slow change of the
 * shares, which is none of chance, does not pass for chance.
 */
export interface DesignEffect {
  /** 1: independent values; NaN: fewer than three pairs of neighbours to compare. */
  readonly estimate: number;
  /** Its upper 90 % bound, 1 or more. */
  readonly bound: number;
  /** One-sided, that independent values vary as much. */
  readonly pValue: number;
}

const BOUND = 0.9;
const MIN_PAIRS = 3;
/** So many values a block must a cell have: the test is an approximation. */
const SMALL = 5;
const UNKNOWN: DesignEffect = { estimate: NaN, bound: NaN, pValue: NaN };

/**
 * @param blocks counts by cell of stretches of equal length that follow one another; those with less than half the mean number of
 *   values (a night without traffic, the beginning and the end) are left out with the pairs that they are part of
 * @param cells how many cells to read
 *
 * Example: [[50, 50], [100, 0], [0, 100], [50, 50]] -> estimate 100.
 */
export function designEffect(blocks: readonly ArrayLike<number>[], cells: number): DesignEffect {
  const rows = blocks.map((block) => total(block, cells));
  const mean = rows.reduce((a, b) => a + b, 0) / blocks.length;
  const kept = rows.map((n) => n > 0 && n >= mean / 2);
  const shares = new Float64Array(cells);
  blocks.forEach((block, b) => {
    for (let k = 0; kept[b] === true && k < cells; k++) shares[k] = shares[k]! + block[k]!;
  });
  const cellOf = largeCells(shares, kept.filter(Boolean).length * SMALL);
  const count = 1 + Math.max(-1, ...cellOf);
  if (count < 2) return UNKNOWN;
  const merged = blocks.map((block) => coarser(block, cellOf, count));
  const totals = new Float64Array(count);
  merged.forEach((block, b) => {
    for (let k = 0; kept[b] === true && k < count; k++) totals[k] = totals[k]! + block[k]!;
  });
  let statistic = 0;
  let pairs = 0;
  let neighbours = 0;
  for (let b = 1; b < blocks.length; b++) {
    if (kept[b - 1] !== true || kept[b] !== true) continue;
    statistic += differenceOf(merged[b - 1]!, merged[b]!, rows[b - 1]!, rows[b]!, totals);
    pairs++;
    if (b > 1 && kept[b - 2] === true) neighbours++;
  }
  if (pairs < MIN_PAIRS) return UNKNOWN;
  const estimate = statistic / (pairs * (count - 1));
  // Pairs that share a block are correlated by -1/2 (Satterthwaite).
  const degreesOfFreedom = ((count - 1) * pairs * pairs) / (pairs + neighbours / 2);
  const chiSquare = degreesOfFreedom * estimate;
  return {
    estimate,
    bound: Math.max(1, chiSquare / chi2Quantile(1 - BOUND, degreesOfFreedom)),
    pValue: chi2Sf(chiSquare, degreesOfFreedom),
  };
}

/** Chi-square of two neighbours, with the shares of all blocks as what to expect. */
function differenceOf(a: ArrayLike<number>, b: ArrayLike<number>, n: number, m: number, totals: Float64Array): number {
  const all = total(totals, totals.length);
  let statistic = 0;
  for (let k = 0; k < totals.length; k++) statistic += (a[k]! / n - b[k]! / m) ** 2 / (totals[k]! / all);
  return statistic / (1 / n + 1 / m);
}

/** Cell -> cell of those that are large enough; small ones are put together until they are. -1: empty everywhere. */
function largeCells(totals: ArrayLike<number>, least: number): number[] {
  let next = 0;
  let small = -1;
  let gathered = 0;
  return Array.from(totals, (total) => {
    if (total === 0) return -1;
    if (total >= least) return next++;
    if (small < 0) small = next++;
    const cell = small;
    gathered += total;
    if (gathered >= least) {
      small = -1;
      gathered = 0;
    }
    return cell;
  });
}

function coarser(block: ArrayLike<number>, cellOf: readonly number[], count: number): Float64Array {
  const merged = new Float64Array(count);
  cellOf.forEach((cell, k) => {
    if (cell >= 0) merged[cell] = merged[cell]! + block[k]!;
  });
  return merged;
}
