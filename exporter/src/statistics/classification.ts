/** Figures of a classifier on labelled predictions. Ratios are 0..1; NaN where the counts do not define a figure. */
export interface ClassificationFigures {
  readonly samples: number;
  readonly accuracy: number;
  /** Mean recall over the classes that occur. */
  readonly balancedAccuracy: number;
  /** Binary: of the positive class, NaN when it was never predicted. Multiclass: macro average. */
  readonly precision: number;
  /** Binary: of the positive class, NaN when it never occurs. */
  readonly recall: number;
  readonly f1: number;
  /** Matthews correlation, -1..1; NaN when one class alone is predicted or occurs. */
  readonly mcc: number;
  /** Cohen's kappa, at most 1; NaN when agreement by chance is certain. */
  readonly kappa: number;
}

export interface MulticlassFigures extends ClassificationFigures {
  /** Averages weighted by how often each class occurs. */
  readonly weightedPrecision: number;
  readonly weightedRecall: number;
  readonly weightedF1: number;
}

/** Figures of a binary classifier from its four counts. */
export function binaryFigures(
  truePositives: number,
  falsePositives: number,
  falseNegatives: number,
  trueNegatives: number,
): ClassificationFigures {
  const samples = truePositives + falsePositives + falseNegatives + trueNegatives;
  const positives = truePositives + falseNegatives;
  const negatives = trueNegatives + falsePositives;
  const predictedPositives = truePositives + falsePositives;
  const predictedNegatives = trueNegatives + falseNegatives;
  const recall = ratio(truePositives, positives);
  const specificity = ratio(trueNegatives, negatives);
  const agreement = truePositives + trueNegatives;
  return {
    samples,
    accuracy: ratio(agreement, samples),
    balancedAccuracy: positives === 0 ? specificity : negatives === 0 ? recall : (recall + specificity) / 2,
    precision: ratio(truePositives, predictedPositives),
    recall,
    f1: ratio(2 * truePositives, positives + predictedPositives),
    mcc: ratio(
      truePositives * trueNegatives - falsePositives * falseNegatives,
      Math.sqrt(positives) * Math.sqrt(negatives) * Math.sqrt(predictedPositives) * Math.sqrt(predictedNegatives),
    ),
    kappa: kappa(agreement, samples, positives * predictedPositives + negatives * predictedNegatives),
  };
}

/**
 * Figures of a classifier of several classes. As in scikit-learn (`zero_division=0`), averages are over the classes that occur or are
 * predicted, and a class that was never predicted has precision 0, one that never occurs recall 0.
 *
 * @param confusion confusion[actual * classes + predicted], counts
 * @param classes how many
 */
export function multiclassFigures(confusion: ArrayLike<number>, classes: number): MulticlassFigures {
  const actual = new Float64Array(classes);
  const predicted = new Float64Array(classes);
  let samples = 0;
  let agreement = 0;
  for (let a = 0; a < classes; a++) {
    for (let p = 0; p < classes; p++) {
      const count = confusion[a * classes + p]!;
      actual[a] = actual[a]! + count;
      predicted[p] = predicted[p]! + count;
      samples += count;
    }
    agreement += confusion[a * classes + a]!;
  }
  let chance = 0;
  for (let k = 0; k < classes; k++) chance += actual[k]! * predicted[k]!;
  return {
    samples,
    accuracy: ratio(agreement, samples),
    ...averages(confusion, actual, predicted, samples),
    mcc: multiclassCorrelation(actual, predicted, agreement * samples - chance, samples),
    kappa: kappa(agreement, samples, chance),
  };
}

type Averages = Omit<MulticlassFigures, 'samples' | 'accuracy' | 'mcc' | 'kappa'>;

function averages(
  confusion: ArrayLike<number>,
  actual: Float64Array,
  predicted: Float64Array,
  samples: number,
): Averages {
  const classes = actual.length;
  let present = 0;
  let occurring = 0;
  const macro = { precision: 0, recall: 0, f1: 0 };
  const weighted = { precision: 0, recall: 0, f1: 0 };
  for (let k = 0; k < classes; k++) {
    const all = actual[k]! + predicted[k]!;
    if (all === 0) continue;
    const hits = confusion[k * classes + k]!;
    const precision = predicted[k] === 0 ? 0 : hits / predicted[k]!;
    const recall = actual[k] === 0 ? 0 : hits / actual[k]!;
    const f1 = (2 * hits) / all;
    present++;
    if (actual[k]! > 0) occurring++;
    macro.precision += precision;
    macro.recall += recall;
    macro.f1 += f1;
    weighted.precision += precision * actual[k]!;
    weighted.recall += recall * actual[k]!;
    weighted.f1 += f1 * actual[k]!;
  }
  return {
    // A class that never occurs adds no recall to the sum, so the same sum serves both averages.
    balancedAccuracy: ratio(macro.recall, occurring),
    precision: ratio(macro.precision, present),
    recall: ratio(macro.recall, present),
    f1: ratio(macro.f1, present),
    weightedPrecision: ratio(weighted.precision, samples),
    weightedRecall: ratio(weighted.recall, samples),
    weightedF1: ratio(weighted.f1, samples),
  };
}

/** Gorodkin (2004): the correlation of the two classifications; Matthews' for two classes. */
function multiclassCorrelation(
  actual: Float64Array,
  predicted: Float64Array,
  covariance: number,
  samples: number,
): number {
  let actualSquares = 0;
  let predictedSquares = 0;
  for (let k = 0; k < actual.length; k++) {
    actualSquares += actual[k]! * actual[k]!;
    predictedSquares += predicted[k]! * predicted[k]!;
  }
  return ratio(
    covariance,
    Math.sqrt(samples * samples - actualSquares) * Math.sqrt(samples * samples - predictedSquares),
  );
}

/** @param chance sum over classes of occurrences x predictions */
function kappa(agreement: number, samples: number, chance: number): number {
  return ratio(agreement * samples - chance, samples * samples - chance);
}

function ratio(numerator: number, denominator: number): number {
  return denominator > 0 ? numerator / denominator : NaN;
}
