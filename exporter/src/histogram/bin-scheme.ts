import { edgesIn, prepareEdges } from './binner.ts';
import type { PreparedEdges } from './binner.ts';

/**
 * At most 251 edges, so 252 bins (codes 0..251), although a byte could name 256: the counters of what is no number
 * (missing, wrong type, not finite) take codes of the same byte. One value of one row is then always one byte, and one feature of a
 * window one run of 256 counts, whatever it holds.
 */
export const MAX_EDGES = 251;
export const MISSING = 252;
export const TYPE_ERROR = 253;
export const NOT_FINITE = 254;
/** Codes of a column, and the stride of its counts. */
export const CODES = 256;

/** Bins of a numeric feature, made from its baseline. Bin i is (edges[i-1], edges[i]]; the first and the last are open. */
export interface NumericBins {
  readonly kind: 'numeric';
  /** Ascending, finite, at most MAX_EDGES. */
  readonly edges: Float64Array;
  /** The same edges as binner.ts searches them. */
  readonly prepared: PreparedEdges;
  /** By bin: 1 where exactly one double lies in it, so that its values are all equal. */
  readonly atoms: Uint8Array;
  /** By bin: its coarse cell 0..coarseCells-1, which KL divergence, PSI and Jensen-Shannon distance are computed on. */
  readonly deciles: Uint8Array;
  readonly coarseCells: number;
  /** By bin: 1 for open and gap bins (no baseline mass), whose sum of x must be kept for the Wasserstein distance. */
  readonly sumBins: Uint8Array;
  /** Distinct values of the baseline, counted up to MAX_DISTINCT; 0 without a baseline. */
  readonly distinctValues: number;
}

export const MAX_DISTINCT = 256;
const DEFAULT_BINS = 200;
const MAX_REQUIRED = 40;
const MAX_COARSE_CELLS = 10;
const TAIL_HALVINGS = 10;
const GEOMETRIC_EDGES = 4;

/**
 * Bins of a baseline: quantiles, atoms, tails and outer edges, as docs/checks/data-drift.md explains them.
 * - 199 quantiles by `inverted_cdf` (values of the baseline), and the deciles whatever the number of bins.
 * - A value of mass >= 1/bins, or every value when there are no more than `bins`, has a bin of its own, (nextDown(v), v]: also for
 *   integers, for 2.5 must not count as 3.
 * - nextDown(min) and max: what lies outside the baseline's range falls in bins without baseline mass.
 * - Tails: quantiles 2^-k / bins on both sides and four geometric edges beyond the range; without them the Wasserstein distance of
 *   heavy tails is wrong by a factor.
 * Over MAX_EDGES, the lower edges of the lightest atoms go first, then the geometric edges, then the outermost tail quantiles.
 *
 * @param values finite, any order; not changed. Empty: as `unbinned`
 * @param options.bins 10..200
 * @param options.mustHaveEdges at most 40 finite edges that are never dropped (a valid range, outlier fences)
 * @throws RangeError for options out of range and for values that are not finite
 *
 * Example: [0, 0, 0, 1] -> edges [-5e-324, 0, nextDown(1), 1]: five bins, of which (nextDown(0), 0] and (nextDown(1), 1] are atoms.
 */
export function buildNumericBins(
  values: Float64Array,
  options: { readonly bins?: number; readonly mustHaveEdges?: readonly number[] } = {},
): NumericBins {
  const bins = options.bins ?? DEFAULT_BINS;
  if (!(bins >= 10 && bins <= DEFAULT_BINS)) throw new RangeError(`bins must be 10..${DEFAULT_BINS}, not ${bins}`);
  const required = checkedEdges(options.mustHaveEdges ?? []);
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return unbinned(required);
  if (!Number.isFinite(sorted[0]!) || !Number.isFinite(sorted.at(-1)!)) throw new RangeError('values must be finite');
  const runs = runsOf(sorted);
  const cells = coarseEdges(sorted, runs);
  const edges = chooseEdges(sorted, runs, bins, [...required, ...cells]);
  return numericBins(edges, coarseMap(edges, cells), emptyBins(edges, sorted), Math.min(runs.length, MAX_DISTINCT));
}

/** Before there is a baseline: one bin, or the few between the given edges. Nothing is compared, so no sums are kept. */
export function unbinned(mustHaveEdges: readonly number[] = []): NumericBins {
  const edges = Float64Array.from(new Set(checkedEdges(mustHaveEdges))).sort();
  return numericBins(edges, new Uint8Array(edges.length + 1), new Uint8Array(edges.length + 1), 0);
}

/** The largest double below x: the lower edge of an atom, and the edge of a range that includes its minimum. nextDown(0) = -5e-324. */
export function nextDown(x: number): number {
  if (x === 0) return -Number.MIN_VALUE;
  scratch[0] = x;
  bits[0] = bits[0]! + (x > 0 ? -1n : 1n);
  return scratch[0];
}
const scratch = new Float64Array(1);
const bits = new BigInt64Array(scratch.buffer);

/** A plain object for storage as JSON; what can be derived is left out. JSON numbers keep every double. */
export interface SerialisedNumericBins {
  readonly edges: readonly number[];
  /** First bin of each coarse cell after the first. */
  readonly cells: readonly number[];
  /** Bins whose sum of x is kept. */
  readonly sums: readonly number[];
  readonly distinct: number;
}

export function serialiseNumericBins(bins: NumericBins): SerialisedNumericBins {
  const cells: number[] = [];
  const sums: number[] = [];
  for (let i = 0; i < bins.deciles.length; i++) {
    if (i > 0 && bins.deciles[i] !== bins.deciles[i - 1]) cells.push(i);
    if (bins.sumBins[i] === 1) sums.push(i);
  }
  return { edges: [...bins.edges], cells, sums, distinct: bins.distinctValues };
}

/** A stored scheme that is not what `serialiseNumericBins` writes. */
export class BinSchemeError extends Error {
  readonly code = 'invalid_bin_scheme';
}

/** @throws BinSchemeError */
export function parseNumericBins(stored: unknown): NumericBins {
  const { edges, cells, sums, distinct } = (stored ?? {}) as Record<keyof SerialisedNumericBins, unknown>;
  const bins = numbers(edges, 'edges').length + 1;
  const edgeArray = Float64Array.from(edges as number[]);
  if (bins > MAX_EDGES + 1) throw new BinSchemeError(`edges: ${bins - 1}, at most ${MAX_EDGES}`);
  for (let i = 1; i < edgeArray.length; i++) {
    if (!(edgeArray[i - 1]! < edgeArray[i]!)) throw new BinSchemeError(`edges: not ascending at ${i}`);
  }
  const deciles = new Uint8Array(bins);
  for (const first of numbers(cells, 'cells', bins)) for (let i = first; i < bins; i++) deciles[i] = deciles[i]! + 1;
  const sumBins = new Uint8Array(bins);
  for (const bin of numbers(sums, 'sums', bins)) sumBins[bin] = 1;
  if (!Number.isInteger(distinct)) throw new BinSchemeError('distinct: not an integer');
  return numericBins(edgeArray, deciles, sumBins, distinct as number);
}

/** Finite numbers; with `bins`, ascending bin numbers. */
function numbers(value: unknown, name: string, bins?: number): readonly number[] {
  if (!Array.isArray(value)) throw new BinSchemeError(`${name}: not an array`);
  let last = -1;
  for (const element of value as unknown[]) {
    if (typeof element !== 'number' || !Number.isFinite(element))
      throw new BinSchemeError(`${name}: not a finite number`);
    if (bins === undefined) continue;
    if (!Number.isInteger(element) || element <= last || element >= bins)
      throw new BinSchemeError(`${name}: not ascending bins`);
    last = element;
  }
  return value as number[];
}

function numericBins(
  edges: Float64Array,
  deciles: Uint8Array,
  sumBins: Uint8Array,
  distinctValues: number,
): NumericBins {
  const atoms = new Uint8Array(edges.length + 1);
  for (let i = 1; i < edges.length; i++) atoms[i] = Number(nextDown(edges[i]!) === edges[i - 1]);
  const prepared = prepareEdges(edges);
  return {
    kind: 'numeric',
    // Of the same memory: thousands of models have twenty of these each.
    edges: edgesIn(prepared, edges.length),
    prepared,
    atoms,
    deciles,
    coarseCells: deciles.at(-1)! + 1,
    sumBins,
    distinctValues,
  };
}

/** Negative zero becomes zero (JSON has no -0, and no comparison tells them apart). */
function checkedEdges(edges: readonly number[]): number[] {
  if (edges.length > MAX_REQUIRED) throw new RangeError(`${edges.length} required edges, at most ${MAX_REQUIRED}`);
  if (!edges.every(Number.isFinite)) throw new RangeError('required edges must be finite');
  return edges.map((edge) => edge + 0);
}

interface Run {
  readonly value: number;
  readonly count: number;
}

/** Distinct values and how often each occurs. */
function runsOf(sorted: Float64Array): Run[] {
  const runs: Run[] = [];
  for (let i = 0; i < sorted.length;) {
    const value = sorted[i]!;
    let end = i + 1;
    while (end < sorted.length && sorted[end] === value) end++;
    runs.push({ value: value + 0, count: end - i });
    i = end;
  }
  return runs;
}

/** inverted_cdf: the smallest value at or below which lies a share k / parts of the sample. */
function quantile(sorted: Float64Array, k: number, parts: number): number {
  return sorted[Math.ceil((k * sorted.length) / parts) - 1]! + 0;
}

/**
 * Edges of the coarse cells: the distinct deciles. A value of mass >= 1/10 that would share its cell with smaller values gets the
 * cell to itself while there are fewer than ten cells: else, with 90 % zeros, a change from 0 to -1 would stay within one cell.
 */
function coarseEdges(sorted: Float64Array, runs: readonly Run[]): number[] {
  const edges = new Set<number>();
  for (let k = 1; k < MAX_COARSE_CELLS; k++) edges.add(quantile(sorted, k, MAX_COARSE_CELLS));
  const heavy = runs.map((run, at) => ({ ...run, at })).filter((run) => run.at > 0 && run.count * 10 >= sorted.length);
  heavy.sort((a, b) => b.count - a.count);
  for (const run of heavy) {
    if (edges.size >= MAX_COARSE_CELLS - 1) break;
    if (!edges.has(runs[run.at - 1]!.value)) edges.add(nextDown(run.value));
  }
  return [...edges].sort((a, b) => a - b);
}

/** All edges, or, when there are too many, the most needed MAX_EDGES. `kept` are among them in any case. */
function chooseEdges(sorted: Float64Array, runs: readonly Run[], bins: number, kept: readonly number[]): Float64Array {
  const min = sorted[0]! + 0;
  const max = sorted.at(-1)! + 0;
  const few = runs.length <= bins;
  const needed = [nextDown(min), max, ...kept];
  if (few) for (const run of runs) needed.push(run.value);
  else for (let k = 1; k < bins; k++) needed.push(quantile(sorted, k, bins));
  const atoms = runs.filter((run) => few || run.count * bins >= sorted.length);
  for (const atom of atoms) needed.push(atom.value);
  const edges = new Set(needed.filter(Number.isFinite));
  // In order of need. Atoms' lower edges come last, the heaviest first.
  const wished = few ? [] : [...tailEdges(sorted, bins), ...geometricEdges(sorted)];
  for (const atom of atoms.sort((a, b) => b.count - a.count)) wished.push(nextDown(atom.value));
  for (const edge of wished) {
    if (edges.size >= MAX_EDGES) break;
    if (Number.isFinite(edge)) edges.add(edge);
  }
  return Float64Array.from(edges).sort();
}

/** Quantiles 2^-k / bins of both tails, the inner ones first. */
function tailEdges(sorted: Float64Array, bins: number): number[] {
  const edges: number[] = [];
  for (let k = 1; k <= TAIL_HALVINGS; k++) {
    const rank = Math.floor(sorted.length / bins / 2 ** k);
    if (rank < 1) break;
    edges.push(sorted[rank - 1]! + 0, sorted[sorted.length - 1 - rank]! + 0);
  }
  return edges;
}

/** Beyond the range: a half, one, two and four times the distance from the median to the end. */
function geometricEdges(sorted: Float64Array): number[] {
  const edges: number[] = [];
  const median = sorted[sorted.length >>> 1]!;
  const min = sorted[0]!;
  const max = sorted.at(-1)!;
  for (let k = -1; k < GEOMETRIC_EDGES - 1; k++)
    edges.push(max + (max - median) * 2 ** k + 0, min - (median - min) * 2 ** k + 0);
  return edges;
}

/** The cell of a bin is the number of cell edges below its upper edge. */
function coarseMap(edges: Float64Array, cells: readonly number[]): Uint8Array {
  const map = new Uint8Array(edges.length + 1);
  let cell = 0;
  for (let i = 0; i < map.length; i++) {
    while (cell < cells.length && (i === edges.length || cells[cell]! < edges[i]!)) cell++;
    map[i] = cell;
  }
  return map;
}

/** 1 for every bin that can hold more than one value and holds none of the baseline's. */
function emptyBins(edges: Float64Array, sorted: Float64Array): Uint8Array {
  const empty = new Uint8Array(edges.length + 1);
  let at = 0;
  for (let i = 0; i < empty.length; i++) {
    const from = at;
    while (at < sorted.length && (i === edges.length || sorted[at]! <= edges[i]!)) at++;
    empty[i] = Number(at === from);
  }
  return empty;
}
