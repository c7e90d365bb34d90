import type { DistributionBin, DistributionTotals, FeatureDistribution } from '../domain/feature-distribution.ts';
import type { FeatureBins } from '../domain/model-report.ts';
import { MISSING, NOT_FINITE, TYPE_ERROR } from '../histogram/bin-scheme.ts';
import { cellOfCode, cellsOf, NO_CELL } from '../histogram/cells.ts';
import type { FeatureCounts } from '../histogram/counts.ts';
import type { BinScheme, ColumnBins, FeatureColumn } from '../histogram/model-columns.ts';
import type { StatisticsTotals } from '../histogram/totals.ts';

type Drawn = Pick<FeatureDistribution, 'baseline' | 'current' | 'cells' | 'bins'>;

/**
 * The counts of one column, side by side. Before there is a baseline, or for a feature that joined after it, there are no bins: all
 * values are in `current.values`.
 *
 * @param baseline null: none
 */
export function drawColumn(
  bins: ColumnBins | undefined,
  baseline: FeatureCounts | null,
  current: FeatureCounts,
  column: number,
): Drawn {
  const then = countsOf(baseline, column);
  const now = countsOf(current, column);
  const totals = { baseline: totalsOf(then), current: totalsOf(now) };
  if (bins === undefined || baseline === null) return { ...totals, cells: [], bins: [] };
  return { ...totals, cells: drawCells(bins, then, now), bins: drawBins(bins, then, now) };
}

/** What `ml_feature_bin_total` and its baseline show. Counters of another scheme than the current one count as not begun. */
export function featureBins(
  scheme: BinScheme,
  columns: readonly FeatureColumn[],
  totals: StatisticsTotals,
  baseline: FeatureCounts,
): FeatureBins[] {
  return columns.flatMap((feature, position) => {
    const bins = scheme.features[position];
    if (bins === undefined) return [];
    const then = cellCounts(bins, countsOf(baseline, feature.column));
    const samples = then.reduce((sum, count) => sum + count, 0);
    const counts = totals.binScheme === scheme.id ? totals.bins : new Map<number, number>();
    return [
      {
        feature: feature.name,
        bins: cellsOf(bins).map(({ name }, cell) => ({
          bin: name,
          count: counts.get((position << 8) | cell) ?? 0,
          baselineRatio: then[cell]! / samples,
        })),
      },
    ];
  });
}

function drawCells(bins: ColumnBins, then: ArrayLike<number>, now: ArrayLike<number>): DistributionBin[] {
  const baseline = cellCounts(bins, then);
  const current = cellCounts(bins, now);
  return cellsOf(bins).map((cell, i) => ({ ...cell, baseline: baseline[i]!, current: current[i]! }));
}

function drawBins(bins: ColumnBins, then: ArrayLike<number>, now: ArrayLike<number>): DistributionBin[] {
  if (bins.kind === 'categorical') return [];
  return Array.from(bins.deciles, (_, code) => {
    const upper = bins.edges[code] ?? Infinity;
    return {
      name: upper === Infinity ? '+Inf' : String(upper),
      lower: code === 0 ? -Infinity : bins.edges[code - 1]!,
      upper,
      baseline: then[code]!,
      current: now[code]!,
    };
  });
}

function cellCounts(bins: ColumnBins, counts: ArrayLike<number>): Float64Array {
  const cells = new Float64Array(bins.kind === 'numeric' ? bins.coarseCells : bins.categories.length + 1);
  for (let code = 0; code < MISSING; code++) {
    const cell = cellOfCode(bins, code);
    if (cell !== NO_CELL) cells[cell] = cells[cell]! + counts[code]!;
  }
  return cells;
}

function totalsOf(counts: ArrayLike<number>): DistributionTotals {
  let values = 0;
  for (let code = 0; code < MISSING; code++) values += counts[code]!;
  return {
    values,
    missing: counts[MISSING]!,
    typeErrors: counts[TYPE_ERROR]!,
    notFinite: counts[NOT_FINITE]!,
  };
}

const NOTHING = new Uint32Array(256);

/** A feature that is not in the counts has none. */
function countsOf(features: FeatureCounts | null, column: number): ArrayLike<number> {
  return features === null || column >= features.columns ? NOTHING : features.column(column);
}
