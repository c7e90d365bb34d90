import type { DistributionBin, FeatureDistribution } from '../../domain/feature-distribution.ts';
import { escapeHtml } from './page.ts';

/** Pictures as inline SVG: no script, no font, colours from the page. Each has a text that says what it shows. */

interface Point {
  readonly atMs: number;
  /** 0-100, or NaN: the line is broken there. */
  readonly score: number;
}

const SPARK = { width: 160, height: 32 };
const INTERVALS = 24;
/** Mass left out at each end of a numeric picture, so that one far value does not squeeze all others. */
const TAIL = 0.005;

/** Health over [from, to), 0 at the bottom and 100 at the top; the bands of the levels behind it where it is large. */
export function sparkline(
  points: readonly Point[],
  fromMs: number,
  toMs: number,
  size: { readonly width: number; readonly height: number; readonly bands?: boolean } = SPARK,
): string {
  const { width, height } = size;
  const known = points.filter(({ score }) => !Number.isNaN(score));
  if (known.length === 0) return '<span class="soft">no history yet</span>';
  const x = ({ atMs }: Point) => (width * (atMs - fromMs)) / (toMs - fromMs);
  const y = (score: number) => 1.5 + (height - 3) * (1 - score / 100);
  const line = points
    .map((point, i) => {
      if (Number.isNaN(point.score)) return '';
      const begins = i === 0 || Number.isNaN(points[i - 1]!.score);
      return `${begins ? 'M' : 'L'}${x(point).toFixed(1)} ${y(point.score).toFixed(1)}`;
    })
    .join('');
  const last = known.at(-1)!;
  const lowest = known.reduce((least, { score }) => Math.min(least, score), 100);
  const says = `Health score from ${known[0]!.score.toFixed(0)} to ${last.score.toFixed(0)}, lowest ${lowest.toFixed(0)}`;
  const bands =
    size.bands === true
      ? [90, 70, 50].map(
          (level) =>
            `<path class="band" d="M0 ${y(level).toFixed(1)}H${width}"/><text class="tick" x="2" y="${(y(level) - 3).toFixed(1)}">${level}</text>`,
        )
      : [];
  return `<svg class="spark" role="img" aria-label="${says}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${bands.join('')}<path class="line" d="${line}"/><circle class="dot" cx="${Math.min(width - 2, x(last)).toFixed(1)}" cy="${y(last.score).toFixed(1)}" r="2"/></svg>`;
}

/** Health over [from, to) as wide as the page; on a telephone it scrolls by itself. */
export function healthChart(points: readonly Point[], fromMs: number, toMs: number): string {
  const drawn = sparkline(points, fromMs, toMs, { width: 960, height: 140, bands: true });
  return `<div class="scroll chart" tabindex="0" role="region" aria-label="Health over time">${drawn}</div>`;
}

/** A feature's distribution now as bars beside its baseline's. */
export function distributionPicture(of: FeatureDistribution): string {
  if (of.current.values === 0 || of.baseline.values === 0) return '<span class="soft">no values</span>';
  const intervals = of.kind === 'numeric' && of.bins.length > 0 ? equalIntervals(of.bins) : of.cells;
  const shares = intervals.map(({ baseline, current }) => ({
    baseline: baseline / of.baseline.values,
    current: current / of.current.values,
  }));
  const most = shares.reduce((top, { baseline, current }) => Math.max(top, baseline, current), 0);
  if (most === 0) return '<span class="soft">no values</span>';
  const [width, height] = [240, 56];
  const step = width / shares.length;
  const tall = (share: number) => (share / most) * (height - 2);
  const bar = (kind: string, left: number, wide: number, share: number) =>
    share === 0
      ? ''
      : `<rect class="${kind}" x="${left.toFixed(1)}" y="${(height - Math.max(1, tall(share))).toFixed(1)}" width="${wide.toFixed(1)}" height="${Math.max(1, tall(share)).toFixed(1)}"/>`;
  const bars = shares.map(({ baseline, current }, i) => {
    const left = i * step;
    return bar('was', left, step * 0.92, baseline) + bar('is', left + step * 0.26, step * 0.4, current);
  });
  const says = `Distribution of ${of.feature}: ${summary(of, intervals)}`;
  const [first, last] = of.kind === 'numeric' ? [intervals[0]!.lower, intervals.at(-1)!.upper] : [NaN, NaN];
  const ends =
    Number.isFinite(first) && Number.isFinite(last)
      ? `<span class="ends"><span>${short(first)}</span><span>${short(last)}</span></span>`
      : `<span class="ends"><span>${of.cells
          .slice(0, 4)
          .map(({ name }) => escapeHtml(name.slice(0, 12)))
          .join(' · ')}${of.cells.length > 4 ? ' …' : ''}</span></span>`;
  return `<svg class="dist" role="img" aria-label="${escapeHtml(says)}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${bars.join('')}</svg>${ends}`;
}

type Interval = Pick<DistributionBin, 'name' | 'lower' | 'upper' | 'baseline' | 'current'>;

/** Bins of unequal width, counted into equal ones over where nearly all values lie; within a bin values are taken to be even. */
function equalIntervals(bins: readonly DistributionBin[]): readonly Interval[] {
  const mass = bins.map(({ baseline, current }) => baseline + current);
  const total = mass.reduce((sum, one) => sum + one, 0);
  const ends = (indexes: readonly number[]): number => {
    let seen = 0;
    for (const i of indexes) {
      seen += mass[i]!;
      if (seen > total * TAIL) return i;
    }
    return indexes.at(-1)!;
  };
  const order = bins.map((_, i) => i);
  const [first, last] = [bins[ends(order)]!, bins[ends([...order].reverse())]!];
  const from = Number.isFinite(first.lower) ? first.lower : first.upper;
  const to = Number.isFinite(last.upper) ? last.upper : last.lower;
  if (!(to > from)) return bins.filter(({ baseline, current }) => baseline + current > 0);
  const width = (to - from) / INTERVALS;
  return Array.from({ length: INTERVALS }, (_, i) => {
    const [lower, upper] = [from + i * width, from + (i + 1) * width];
    let [baseline, current] = [0, 0];
    for (const bin of bins) {
      const part = overlap(bin, lower, upper);
      baseline += part * bin.baseline;
      current += part * bin.current;
    }
    return { name: short(upper), lower, upper, baseline, current };
  });
}

/** Share of a bin (lower, upper] that lies in an interval; a bin without width lies where its value is. */
function overlap(bin: DistributionBin, lower: number, upper: number): number {
  if (!Number.isFinite(bin.lower) || !Number.isFinite(bin.upper)) {
    const at = Number.isFinite(bin.upper) ? bin.upper : bin.lower;
    return at > lower && at <= upper ? 1 : 0;
  }
  const shared = Math.min(bin.upper, upper) - Math.max(bin.lower, lower);
  return shared <= 0 ? 0 : shared / (bin.upper - bin.lower);
}

function summary(of: FeatureDistribution, intervals: readonly Interval[]): string {
  if (of.kind === 'numeric')
    return `baseline median ${short(median(intervals, 'baseline'))}, now ${short(median(intervals, 'current'))}`;
  const most = (side: 'baseline' | 'current') =>
    intervals.reduce((best, one) => (one[side] > best[side] ? one : best)).name;
  return `baseline most often ${most('baseline')}, now ${most('current')}`;
}

function median(intervals: readonly Interval[], side: 'baseline' | 'current'): number {
  const half = intervals.reduce((sum, one) => sum + one[side], 0) / 2;
  let below = 0;
  for (const one of intervals) {
    if (below + one[side] >= half && one[side] > 0) {
      const { lower, upper } = one;
      if (!Number.isFinite(lower) || !Number.isFinite(upper)) return Number.isFinite(upper) ? upper : lower;
      return lower + ((half - below) / one[side]) * (upper - lower);
    }
    below += one[side];
  }
  return NaN;
}

/** Few digits, for the ends of an axis. */
function short(value: number): string {
  const magnitude = Math.abs(value);
  // The edge below a bin of zeros is the double next to zero.
  if (magnitude < Number.MIN_VALUE * 2 ** 52) return '0';
  return magnitude >= 1e6 || magnitude < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}
