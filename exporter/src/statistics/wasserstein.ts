import { total } from './smoothing.ts';

/** A sample as counts by bin, with the sums of x of the bins that keep them. */
export interface BinnedValues {
  readonly counts: ArrayLike<number>;
  /** Sum of x by bin; read only where `sumBins` is 1 and the bin is not empty. null: none were kept. */
  readonly sums: { at(bin: number): number | undefined } | null;
  /** Sum of the counts, where it is known already. */
  readonly total?: number;
}

/**
 * Wasserstein-1 distance (earth mover's distance) in units of x: the area between the two cumulative distributions.
 *
 * Values are taken to lie evenly within a bin. That would misjudge open bins, which have no width, and gap bins, where the current
 * window's values may sit anywhere: there the mass of each side is put at its own mean, which is exact wherever the two cumulative
 * distributions do not cross (always, while the bin is empty in the baseline and lies beyond its range). Without sums the values of an
 * open bin count as if on its edge, so the distance is too small. With edges in the tails the relative error is about 1 %.
 *
 * @param edges ascending; bin i is (edges[i-1], edges[i]]
 * @param sumBins by bin, 1 where `sums` holds
 * @returns 0 or more; NaN for an empty side or where the range overflows a double
 *
 * Example: edges [0, 10], baseline [0, 4, 0] against current [0, 0, 2] with sum 40 -> 15.
 */
export function wassersteinDistance(
  edges: Float64Array,
  sumBins: Uint8Array,
  baseline: BinnedValues,
  current: BinnedValues,
): number {
  const bins = edges.length + 1;
  const baselineCounts = baseline.counts;
  const currentCounts = current.counts;
  const n = baseline.total ?? total(baselineCounts, bins);
  const m = current.total ?? total(currentCounts, bins);
  if (n === 0 || m === 0) return NaN;
  const withSums = baseline.sums !== null && current.sums !== null;
  const last = bins - 1;
  const baselineScale = 1 / n;
  const currentScale = 1 / m;
  // Of the cumulative distributions, baseline less current: after the first bin, which is open.
  let difference = baselineCounts[0]! * baselineScale - currentCounts[0]! * currentScale;
  let area = 0;
  let left = edges[0]!;
  for (let i = 1; i < last; i++) {
    const b = baselineCounts[i]! * baselineScale;
    const c = currentCounts[i]! * currentScale;
    const next = difference + (b - c);
    const right = edges[i]!;
    if (sumBins[i] === 1 && b + c > 0 && withSums) area += betweenMeans(edges, i, difference, b, c, baseline, current);
    // Under a straight line from one difference to the next: a trapezoid, or two triangles where it crosses zero. Written out: a call
    // for each of millions of bins takes longer than all of the rest.
    else if (difference * next >= 0) area += (right - left) * Math.abs(difference + next) * 0.5;
    else area += ((right - left) * (difference * difference + next * next)) / (2 * Math.abs(next - difference));
    difference = next;
    left = right;
  }
  // The open ends; without any edge they are one.
  for (let end = 0; withSums && end <= last; end += Math.max(1, last)) {
    const b = baselineCounts[end]! * baselineScale;
    const c = currentCounts[end]! * currentScale;
    if (sumBins[end] === 1 && b + c > 0)
      area += betweenMeans(edges, end, end === 0 ? 0 : difference, b, c, baseline, current);
  }
  return Number.isFinite(area) ? area : NaN;
}

/**
 * In baseline standard deviations, the unit in which features compare.
 *
 * @returns NaN when the baseline does not vary, unless the distance is 0 too
 */
export function normalisedWasserstein(distance: number, baselineStandardDeviation: number): number {
  if (distance === 0) return 0;
  return baselineStandardDeviation > 0 ? distance / baselineStandardDeviation : NaN;
}

/**
 * Mean and (population) standard deviation of binned values, by the same assumptions as the distance: even within a bin, at the mean
 * where sums are kept, on the edge in an open bin without.
 *
 * @returns NaN for an empty sample
 */
export function binnedMoments(
  edges: Float64Array,
  sumBins: Uint8Array,
  values: BinnedValues,
): { readonly mean: number; readonly standardDeviation: number } {
  const bins = edges.length + 1;
  const n = total(values.counts, bins);
  if (n === 0) return { mean: NaN, standardDeviation: NaN };
  let mean = 0;
  for (let i = 0; i < bins; i++)
    if (values.counts[i]! > 0) mean += (values.counts[i]! / n) * centre(edges, sumBins, values, i);
  let variance = 0;
  for (let i = 0; i < bins; i++) {
    if (values.counts[i] === 0) continue;
    const distance = centre(edges, sumBins, values, i) - mean;
    const even = i > 0 && i < edges.length && sumBins[i] !== 1;
    const width = even ? edges[i]! - edges[i - 1]! : 0;
    variance += (values.counts[i]! / n) * (distance * distance + (width * width) / 12);
  }
  return { mean, standardDeviation: Math.sqrt(variance) };
}

function centre(edges: Float64Array, sumBins: Uint8Array, values: BinnedValues, bin: number): number {
  if (sumBins[bin] === 1 && values.sums !== null) return values.sums.at(bin)! / values.counts[bin]!;
  if (edges.length === 0) return NaN;
  if (bin === 0) return edges[0]!;
  if (bin === edges.length) return edges[bin - 1]!;
  return edges[bin - 1]! + (edges[bin]! - edges[bin - 1]!) / 2;
}

/**
 * Area under |d| in a bin whose baseline mass b lies at one point and whose current mass c at another. An open end adds nothing:
 * beyond the outer mean there is no difference.
 */
function betweenMeans(
  edges: Float64Array,
  bin: number,
  d: number,
  b: number,
  c: number,
  baseline: BinnedValues,
  current: BinnedValues,
): number {
  const left = bin === 0 ? -Infinity : edges[bin - 1]!;
  const right = bin === edges.length ? Infinity : edges[bin]!;
  // Rounding of the sums must not put a mean outside its bin.
  const atB = Math.min(right, Math.max(left, meanOf(b > 0 ? baseline : current, bin)));
  const atC = Math.min(right, Math.max(left, meanOf(c > 0 ? current : baseline, bin)));
  let area = Math.abs(atB <= atC ? d + b : d - c) * Math.abs(atC - atB);
  if (left !== -Infinity) area += Math.abs(d) * (Math.min(atB, atC) - left);
  if (right !== Infinity) area += Math.abs(d + b - c) * (right - Math.max(atB, atC));
  return area;
}

function meanOf(values: BinnedValues, bin: number): number {
  return values.sums === null ? NaN : values.sums.at(bin)! / values.counts[bin]!;
}
