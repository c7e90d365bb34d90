import { logGamma, upperGamma } from './gamma-function.ts';
import { normalQuantile } from './normal-distribution.ts';

/** P(X > x) of the chi-square distribution with `df` > 0 degrees of freedom. chi2Sf(3.841459, 1) = .05. */
export function chi2Sf(x: number, df: number): number {
  return upperGamma(df / 2, x / 2);
}

/**
 * Where the chi-square distribution with `df` > 0 degrees of freedom has the share `p`, 0 < p < 1, below it: Wilson and Hilferty's
 * approximation (1931), and Newton's steps from there. chi2Quantile(.95, 1) = 3.841459.
 */
export function chi2Quantile(p: number, df: number): number {
  const variance = 2 / (9 * df);
  let x = df * Math.max(0.01, 1 - variance + normalQuantile(p) * Math.sqrt(variance)) ** 3;
  for (let step = 0; step < MAX_STEPS; step++) {
    const density = Math.exp((df / 2 - 1) * Math.log(x) - x / 2 - (df / 2) * Math.LN2 - logGamma(df / 2));
    const next = Math.max(x / 2, x + (chi2Sf(x, df) - (1 - p)) / density);
    const moved = Math.abs(next - x);
    x = next;
    if (!(moved > 1e-12 * x)) break;
  }
  return x;
}

const MAX_STEPS = 50;

export interface ContingencyTest {
  readonly statistic: number;
  /** Cells after merging, less one; 0 when all values fall in one cell. */
  readonly degreesOfFreedom: number;
  /** 0..1; 1 without degrees of freedom (nothing to tell apart); NaN for an empty side. */
  readonly pValue: number;
}

/**
 * Chi-square test that two samples have the same shares (2 x K contingency table, no continuity correction). Meant for fewer than
 * about 20 distinct values, where Kolmogorov-Smirnov is too conservative, and for categories.
 *
 * The approximation needs expected counts: while more than 20 % of them are below 5 (Cochran's rule), the two smallest cells are
 * merged, smallest by their total over both samples, which does not look at the difference that is tested. Empty cells are left out.
 *
 * @param baseline counts by cell
 * @param current counts by cell
 * @param cells how many cells to read
 * @param designEffect values that stand for one independent value (design-effect.ts): the p-value is of the statistic over it
 *
 * Example: [10, 20, 30, 25, 15] against [5, 10, 20, 30, 35] -> statistic 15.45, 4 degrees of freedom, p .0038.
 */
export function contingencyTest(
  baseline: ArrayLike<number>,
  current: ArrayLike<number>,
  cells: number,
  designEffect = 1,
): ContingencyTest {
  const table = nonEmptyCells(baseline, current, cells);
  let n = 0;
  let m = 0;
  for (const cell of table) {
    n += cell.baseline;
    m += cell.current;
  }
  if (n === 0 || m === 0) return { statistic: NaN, degreesOfFreedom: 0, pValue: NaN };
  const merged = mergeSmallCells(table, n / (n + m) / designEffect, m / (n + m) / designEffect);
  let statistic = 0;
  for (const cell of merged) {
    // Both terms (o - e)^2 / e of the cell share the numerator; n/N and m/N of the total are the expected counts.
    const total = cell.baseline + cell.current;
    const difference = cell.baseline - (total * n) / (n + m);
    statistic += (difference * difference * (n + m) * (n + m)) / (total * n * m);
  }
  const degreesOfFreedom = merged.length - 1;
  if (degreesOfFreedom === 0) return { statistic: 0, degreesOfFreedom, pValue: 1 };
  return { statistic, degreesOfFreedom, pValue: chi2Sf(statistic / designEffect, degreesOfFreedom) };
}

/**
 * Total variation distance: half the sum of |p - q|, the largest difference of the two probabilities of any set of cells. The effect
 * size beside the test: unlike Cramer's V it does not shrink with unequal sample sizes (.20 becomes .04 against a large baseline).
 *
 * @returns 0..1; NaN for an empty side
 */
export function totalVariation(baseline: ArrayLike<number>, current: ArrayLike<number>, cells: number): number {
  let n = 0;
  let m = 0;
  for (let k = 0; k < cells; k++) {
    n += baseline[k]!;
    m += current[k]!;
  }
  if (n === 0 || m === 0) return NaN;
  let sum = 0;
  for (let k = 0; k < cells; k++) sum += Math.abs(baseline[k]! / n - current[k]! / m);
  return sum / 2;
}

/** Cramer's V of a 2 x K table: sqrt(statistic / N), 0..1. */
export function cramersV(statistic: number, n: number, m: number): number {
  return Math.sqrt(statistic / (n + m));
}

interface Cell {
  readonly baseline: number;
  readonly current: number;
}

/** Ascending by total. */
function nonEmptyCells(baseline: ArrayLike<number>, current: ArrayLike<number>, cells: number): Cell[] {
  const table: Cell[] = [];
  for (let k = 0; k < cells; k++) {
    if (baseline[k]! + current[k]! > 0) table.push({ baseline: baseline[k]!, current: current[k]! });
  }
  return table.sort((a, b) => a.baseline + a.current - b.baseline - b.current);
}

const SMALL_EXPECTED = 5;
const SMALL_SHARE = 0.2;

/**
 * Merged cells come out in ascending order of their totals, so the smallest is always at the head of one of two queues (as in
 * Huffman's code): linear after the sort.
 */
function mergeSmallCells(sorted: readonly Cell[], baselineShare: number, currentShare: number): Cell[] {
  const smallIn = (cell: Cell): number => {
    const total = cell.baseline + cell.current;
    return Number(total * baselineShare < SMALL_EXPECTED) + Number(total * currentShare < SMALL_EXPECTED);
  };
  const merged: Cell[] = [];
  let nextSorted = 0;
  let nextMerged = 0;
  const takeSmallest = (): Cell => {
    const a = sorted[nextSorted];
    const b = merged[nextMerged];
    const fromSorted = b === undefined || (a !== undefined && a.baseline + a.current <= b.baseline + b.current);
    return fromSorted ? sorted[nextSorted++]! : merged[nextMerged++]!;
  };
  let small = 0;
  for (const cell of sorted) small += smallIn(cell);
  for (let left = sorted.length; left > 1 && small > SMALL_SHARE * 2 * left; left--) {
    const a = takeSmallest();
    const b = takeSmallest();
    const both = { baseline: a.baseline + b.baseline, current: a.current + b.current };
    small += smallIn(both) - smallIn(a) - smallIn(b);
    merged.push(both);
  }
  return [...sorted.slice(nextSorted), ...merged.slice(nextMerged)];
}
