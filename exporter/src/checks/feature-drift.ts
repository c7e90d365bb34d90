import type { NumericBins } from '../histogram/bin-scheme.ts';
import { categoryCellCount, categoryCells, MAX_CATEGORIES } from '../histogram/categories.ts';
import type { CategoryBins } from '../histogram/categories.ts';
import type { FeatureCounts } from '../histogram/counts.ts';
import { contingencyTest, cramersV, totalVariation } from '../statistics/chi-square.ts';
import { jensenShannonDistance } from '../statistics/jensen-shannon.ts';
import { ksBounds, ksPValue } from '../statistics/kolmogorov-smirnov.ts';
import { coarsen, klDivergence } from '../statistics/kullback-leibler.ts';
import { populationStabilityIndex } from '../statistics/population-stability.ts';
import { total } from '../statistics/smoothing.ts';
import { binnedMoments, normalisedWasserstein, wassersteinDistance } from '../statistics/wasserstein.ts';
import type { BinnedValues } from '../statistics/wasserstein.ts';
import type { ModelBaseline } from './check.ts';

/** How far two distributions of one column lie apart. Everything NaN when a side is empty. */
export interface ColumnDrift {
  readonly klDivergence: number;
  readonly psi: number;
  readonly jsDistance: number;
  /** Lower and upper end of the KS statistic; both the total variation distance where the chi-square test is used. */
  readonly effect: number;
  readonly effectUpper: number;
  /** Not adjusted for the number of comparisons. */
  readonly pValue: number;
  /** Of the chi-square test, 0..1; NaN where the KS test is used. */
  readonly cramersV: number;
  readonly wasserstein: number;
  readonly samples: number;
  readonly baselineSamples: number;
  /** Values that stand for one independent value in the p-value, 1 or more; NaN: not known, taken as 1. */
  readonly designEffect: number;
  /** Cells that the divergences, and the total variation distance, are computed on. */
  readonly cells: number;
}

/** Fewer distinct values than this make steps so large that the KS test says little: they are compared as classes. */
const FEW_VALUES = 20;

const baselineCells = new Float64Array(MAX_CATEGORIES + 1);
const currentCells = new Float64Array(MAX_CATEGORIES + 1);

/** The baseline itself, not its features: what was computed from these is kept with it. */
type BaselineFeatures = Pick<ModelBaseline, 'features'>;

/** A numeric column: KS on the fine bins (chi-square for few values), divergences on the coarse cells. */
export function numericDrift(
  bins: NumericBins,
  baseline: BaselineFeatures,
  current: FeatureCounts,
  column: number,
  designEffect = NaN,
): ColumnDrift {
  const then = baseline.features.column(column);
  const now = current.column(column);
  const cells = bins.coarseCells;
  coarsen(then, bins.deciles, cells, baselineCells);
  coarsen(now, bins.deciles, cells, currentCells);
  const samples = total(currentCells, cells);
  const baselineSamples = total(baselineCells, cells);
  const few = bins.distinctValues < FEW_VALUES;
  const codes = bins.edges.length + 1;
  const bounds = few ? null : ksBounds(then, now, bins.atoms, baselineSamples, samples);
  const each = designEffect > 1 ? designEffect : 1;
  const test = few ? contingencyTest(then, now, codes, each) : null;
  const effect = bounds?.lower ?? totalVariation(then, now, codes);
  // Written out: of tens of thousands of columns a sweep, spreading the parts of this took longer than computing them.
  return {
    klDivergence: klDivergence(baselineCells, currentCells, cells),
    psi: populationStabilityIndex(baselineCells, currentCells, cells),
    jsDistance: jensenShannonDistance(baselineCells, currentCells, cells),
    effect,
    effectUpper: bounds?.upper ?? effect,
    pValue: test?.pValue ?? ksPValue(effect, baselineSamples / each, samples / each),
    cramersV: test === null ? NaN : cramersV(test.statistic, baselineSamples, samples),
    wasserstein: wassersteinOf(bins, baseline, current, column, baselineSamples, samples),
    samples,
    baselineSamples,
    designEffect,
    cells,
  };
}

/** A categorical column: chi-square over the categories and OTHER, the total variation distance as its effect. */
export function categoricalDrift(
  bins: CategoryBins,
  baseline: FeatureCounts,
  current: FeatureCounts,
  column: number,
  designEffect = NaN,
): ColumnDrift {
  categoryCells(bins, baseline.column(column), baselineCells);
  categoryCells(bins, current.column(column), currentCells);
  return cellDrift(categoryCellCount(bins), designEffect);
}

/** Shares of classes, by the first `classes` codes of the class column; the cell after them is OTHER. */
export function classDrift(
  classes: number,
  baseline: FeatureCounts,
  current: FeatureCounts,
  column: number,
  otherCode: number,
  designEffect = NaN,
): ColumnDrift {
  const then = baseline.column(column);
  const now = current.column(column);
  for (let code = 0; code < classes; code++) {
    baselineCells[code] = then[code]!;
    currentCells[code] = now[code]!;
  }
  baselineCells[classes] = then[otherCode]!;
  currentCells[classes] = now[otherCode]!;
  return cellDrift(classes + 1, designEffect);
}

/** Of the scratch cells. */
function cellDrift(cells: number, designEffect: number): ColumnDrift {
  const samples = total(currentCells, cells);
  const baselineSamples = total(baselineCells, cells);
  const effect = totalVariation(baselineCells, currentCells, cells);
  const { statistic, pValue } = contingencyTest(
    baselineCells,
    currentCells,
    cells,
    designEffect > 1 ? designEffect : 1,
  );
  return {
    klDivergence: klDivergence(baselineCells, currentCells, cells),
    psi: populationStabilityIndex(baselineCells, currentCells, cells),
    jsDistance: jensenShannonDistance(baselineCells, currentCells, cells),
    effect,
    effectUpper: effect,
    pValue,
    cramersV: cramersV(statistic, baselineSamples, samples),
    wasserstein: NaN,
    samples,
    baselineSamples,
    designEffect,
    cells,
  };
}

function wassersteinOf(
  bins: NumericBins,
  baseline: BaselineFeatures,
  current: FeatureCounts,
  column: number,
  baselineSamples: number,
  samples: number,
): number {
  const { features } = baseline;
  const then = { counts: features.column(column), sums: features.tailsOf(column), total: baselineSamples };
  const now = { counts: current.column(column), sums: current.tailsOf(column), total: samples };
  const distance = wassersteinDistance(bins.edges, bins.sumBins, then, now);
  return normalisedWasserstein(distance, deviationOf(bins, baseline, then, column));
}

interface Deviations {
  readonly rows: number;
  /** NaN: not computed yet, or not defined. */
  byColumn: Float64Array;
}
const deviations = new WeakMap<BaselineFeatures, Deviations>();

/** Standard deviation of a baseline's column. It is the same in every evaluation, and a third of the cost of one. */
function deviationOf(bins: NumericBins, baseline: BaselineFeatures, then: BinnedValues, column: number): number {
  const { rows, columns } = baseline.features;
  let known = deviations.get(baseline);
  // A baseline that rolls on is another one.
  if (known?.rows !== rows || known.byColumn.length <= column)
    deviations.set(baseline, (known = { rows, byColumn: new Float64Array(columns).fill(NaN) }));
  let deviation = known.byColumn[column]!;
  if (Number.isNaN(deviation)) {
    deviation = binnedMoments(bins.edges, bins.sumBins, then).standardDeviation;
    known.byColumn[column] = deviation;
  }
  return deviation;
}
