import type { PerformanceFigures } from '../domain/health.ts';
import { MAX_CLASSES } from '../histogram/model-target.ts';
import { ODDS_CODES } from '../histogram/performance-counts.ts';
import type { PerformanceCounts } from '../histogram/performance-counts.ts';
import { calibrationGap } from '../statistics/calibration.ts';
import { binaryFigures, multiclassFigures } from '../statistics/classification.ts';
import { wilsonInterval } from '../statistics/intervals.ts';
import { regressionFigures } from '../statistics/regression.ts';
import { averagePrecision, hanleyMcNeilSe, rocAuc } from '../statistics/roc.ts';
import type { ModelContext } from './check.ts';

/** What is undefined until the task and the data define it. */
export const NO_FIGURES: PerformanceFigures = {
  samples: 0,
  accuracy: NaN,
  accuracyLower: NaN,
  accuracyUpper: NaN,
  balancedAccuracy: NaN,
  precision: NaN,
  recall: NaN,
  f1: NaN,
  weightedPrecision: NaN,
  weightedRecall: NaN,
  weightedF1: NaN,
  rocAuc: NaN,
  rocAucLower: NaN,
  rocAucUpper: NaN,
  averagePrecision: NaN,
  logLoss: NaN,
  brierScore: NaN,
  calibrationGap: NaN,
  meanScore: NaN,
  observedRate: NaN,
  meanAbsoluteError: NaN,
  rootMeanSquaredError: NaN,
  r2: NaN,
  bias: NaN,
};

/** Every figure that the task defines, from the counts of labelled predictions. `samples` is the number the task's main figure rests on. */
export function performanceFigures(
  counts: PerformanceCounts,
  context: Pick<ModelContext, 'task' | 'positiveClass' | 'scheme'>,
): PerformanceFigures {
  if (counts.labelled === 0) return NO_FIGURES;
  switch (context.task) {
    case 'regression':
      return regression(counts);
    case 'binary':
      return {
        ...classification(counts, context.positiveClass),
        ...scored(counts),
        ...ranking(counts, context.scheme.score.edges.length + 1),
      };
    case 'multiclass':
      return { ...classification(counts, -1), ...scoredClasses(counts), ...rankedClasses(counts) };
    case 'unknown':
      return NO_FIGURES;
  }
}

function regression(counts: PerformanceCounts): PerformanceFigures {
  const { absoluteErrorSum, squaredErrorSum, errorSum, labelM2, numeric } = counts;
  return {
    ...NO_FIGURES,
    samples: numeric,
    ...regressionFigures({ n: numeric, absoluteErrorSum, squaredErrorSum, errorSum, actualM2: labelM2 }),
  };
}

/** `positive` < 0: several classes, macro averages. */
function classification(counts: PerformanceCounts, positive: number): PerformanceFigures {
  let samples = 0;
  let correct = 0;
  for (const [cell, count] of counts.confusion) {
    samples += count;
    if (cell >>> 8 === (cell & 255)) correct += count;
  }
  if (samples === 0) return NO_FIGURES;
  const { lower, upper } = wilsonInterval(correct, samples);
  const { balancedAccuracy, precision, recall, f1, ...weighted } =
    positive < 0 ? severalClasses(counts) : { ...twoClasses(counts, positive), ...NO_WEIGHTED };
  return {
    ...NO_FIGURES,
    samples,
    accuracy: correct / samples,
    accuracyLower: lower,
    accuracyUpper: upper,
    balancedAccuracy,
    precision,
    recall,
    f1,
    weightedPrecision: weighted.weightedPrecision,
    weightedRecall: weighted.weightedRecall,
    weightedF1: weighted.weightedF1,
  };
}

const NO_WEIGHTED = { weightedPrecision: NaN, weightedRecall: NaN, weightedF1: NaN };

function twoClasses(counts: PerformanceCounts, positive: number): ReturnType<typeof binaryFigures> {
  let truePositives = 0;
  let falsePositives = 0;
  let falseNegatives = 0;
  let trueNegatives = 0;
  for (const [cell, count] of counts.confusion) {
    const predicted = cell >>> 8 === positive;
    const actual = (cell & 255) === positive;
    if (predicted && actual) truePositives += count;
    else if (predicted) falsePositives += count;
    else if (actual) falseNegatives += count;
    else trueNegatives += count;
  }
  return binaryFigures(truePositives, falsePositives, falseNegatives, trueNegatives);
}

/** Only classes that occur: a dictionary of 200 would make a matrix of 40,000 cells. */
function severalClasses(counts: PerformanceCounts): ReturnType<typeof multiclassFigures> {
  const order = new Map<number, number>();
  for (const cell of counts.confusion.keys())
    for (const code of [cell >>> 8, cell & 255]) if (!order.has(code)) order.set(code, order.size);
  const classes = Math.min(order.size, MAX_CLASSES + 1);
  const matrix = new Float64Array(classes * classes);
  for (const [cell, count] of counts.confusion) {
    const at = order.get(cell & 255)! * classes + order.get(cell >>> 8)!;
    matrix[at] = matrix[at]! + count;
  }
  return multiclassFigures(matrix, classes);
}

function scored(counts: PerformanceCounts): Partial<PerformanceFigures> {
  const n = counts.scored;
  if (n <= 0) return {};
  return {
    logLoss: counts.logLossSum / n,
    brierScore: counts.brierSum / n,
    calibrationGap: calibrationGap(counts.scoreSum, counts.positives, n),
    meanScore: counts.scoreSum / n,
    observedRate: counts.positives / n,
  };
}

function ranking(counts: PerformanceCounts, bins: number): Partial<PerformanceFigures> {
  if (counts.scores.size === 0) return {};
  const positives = new Float64Array(bins);
  const negatives = new Float64Array(bins);
  for (const [cell, count] of counts.scores) ((cell & 1) === 1 ? positives : negatives)[cell >>> 1] = count;
  const area = rocAuc(positives, negatives, bins);
  return {
    rocAuc: area,
    ...areaInterval(area, total(positives), total(negatives)),
    averagePrecision: averagePrecision(positives, negatives, bins),
  };
}

const Z_95 = 1.959963984540054;

function areaInterval(
  area: number,
  positives: number,
  negatives: number,
): Pick<PerformanceFigures, 'rocAucLower' | 'rocAucUpper'> {
  const half = Z_95 * hanleyMcNeilSe(area, positives, negatives);
  return { rocAucLower: Math.max(0, area - half), rocAucUpper: Math.min(1, area + half) };
}

/** Of several classes: the sum over the classes of (score - outcome)^2, 0..2, and the likelihood of the class that came true. */
function scoredClasses(counts: PerformanceCounts): Partial<PerformanceFigures> {
  const n = counts.scored;
  return n <= 0 ? {} : { logLoss: counts.logLossSum / n, brierScore: counts.brierSum / n };
}

/** Each class against the rest, and the mean over the classes that came true and did not. */
function rankedClasses(counts: PerformanceCounts): Partial<PerformanceFigures> {
  const byClass = new Map<number, { readonly positives: Float64Array; readonly negatives: Float64Array }>();
  for (const [cell, count] of counts.scores) {
    const code = cell >>> 1;
    const classCode = Math.floor(code / ODDS_CODES);
    let of = byClass.get(classCode);
    if (of === undefined)
      byClass.set(
        classCode,
        (of = { positives: new Float64Array(ODDS_CODES), negatives: new Float64Array(ODDS_CODES) }),
      );
    ((cell & 1) === 1 ? of.positives : of.negatives)[code % ODDS_CODES] = count;
  }
  let classes = 0;
  let areas = 0;
  let precisions = 0;
  for (const { positives, negatives } of byClass.values()) {
    const area = rocAuc(positives, negatives, ODDS_CODES);
    if (Number.isNaN(area)) continue;
    classes++;
    areas += area;
    precisions += averagePrecision(positives, negatives, ODDS_CODES);
  }
  return classes === 0 ? {} : { rocAuc: areas / classes, averagePrecision: precisions / classes };
}

function total(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
