import { predictBoostedTrees, trainBoostedTrees } from './gradient-boosting.ts';
import type { BoostedTrees, TrainingOptions } from './gradient-boosting.ts';

type Value = number | string | null;
export type FeatureRow = Readonly<Record<string, Value>>;

export interface LabelledFeatures {
  readonly features: FeatureRow;
  readonly label: string | number;
}

/** A trained model as plain data: it can be stored as JSON. */
export interface TabularModel {
  readonly format: 'model-health-tabular/1';
  readonly task: 'binary' | 'multiclass' | 'regression';
  /** Binary: the negative class, then the positive one. Empty for a regression. */
  readonly classes: readonly string[];
  readonly columns: readonly TabularColumn[];
  readonly trees: BoostedTrees;
}

type TabularColumn =
  | { readonly name: string; readonly kind: 'numeric' }
  /** Mean target by category, drawn to the overall mean where rows are few; `other` for categories that were never seen. */
  | {
      readonly name: string;
      readonly kind: 'categorical';
      readonly means: Readonly<Record<string, number>>;
      readonly other: number;
    };

export interface TabularOptions {
  readonly task: TabularModel['task'];
  readonly positiveClass: string | null;
  readonly classes: readonly string[];
  readonly features: readonly { readonly name: string; readonly kind: 'numeric' | 'categorical' }[];
  readonly seed: number;
  /** Folds of the tuning; each trains on what came before it, as time goes. */
  readonly cvFolds: number;
  /** Settings that are tried. */
  readonly tuningBudget: number;
}

export interface TabularPrediction {
  readonly prediction: string | number;
  /** Of the positive class; null unless binary. */
  readonly score: number | null;
  /** Of each class; null unless there are several. */
  readonly scores: Readonly<Record<string, number>> | null;
}

/** Rows that a category's mean starts from. */
const PRIOR_ROWS = 50;
/** Tuning compares settings, for which a part of the rows is enough. */
const TUNING_ROWS = 20_000;
const LEAST_PROBABILITY = 1e-9;

type Tuning = Required<Pick<TrainingOptions, 'rounds' | 'depth' | 'learningRate'>>;
const FIRST_TUNING: Tuning = { rounds: 60, depth: 5, learningRate: 0.15 };
const TUNINGS: readonly Tuning[] = [20, 60, 120].flatMap((rounds) =>
  [3, 5, 7].flatMap((depth) => [0.05, 0.15, 0.3].map((learningRate) => ({ rounds, depth, learningRate }))),
);

/**
 * Gradient-boosted trees over rows of features. Settings are chosen by cross-validation forward in time; the same rows, options and seed
 * give the same model.
 *
 * @param rows in the order of time
 * @throws RangeError without rows or features
 */
export function trainTabular(
  rows: readonly LabelledFeatures[],
  options: TabularOptions,
): { readonly model: TabularModel; readonly tuning: Tuning } {
  const sample = everyNth(rows, Math.ceil(rows.length / TUNING_ROWS));
  const tuning = tune(sample, options);
  return { model: fit(rows, options, tuning), tuning };
}

/** Missing or unknown features are missing values. */
export function predictTabular(model: TabularModel, rows: readonly FeatureRow[]): TabularPrediction[] {
  const outputs = predictBoostedTrees(model.trees, encode(model.columns, rows));
  return rows.map((_row, i) => {
    if (model.task === 'regression') return { prediction: outputs[0]![i]!, score: null, scores: null };
    if (model.task === 'binary') {
      const score = outputs[0]![i]!;
      return { prediction: model.classes[Number(score > 0.5)]!, score, scores: null };
    }
    let best = 0;
    for (let k = 1; k < outputs.length; k++) if (outputs[k]![i]! > outputs[best]![i]!) best = k;
    const scores = Object.fromEntries(model.classes.map((name, k) => [name, outputs[k]![i]!]));
    return { prediction: model.classes[best]!, score: null, scores };
  });
}

/** Mean loss: log loss of a classifier, absolute error of a regression. */
export function tabularLoss(model: TabularModel, rows: readonly LabelledFeatures[]): number {
  const outputs = predictBoostedTrees(
    model.trees,
    encode(
      model.columns,
      rows.map(({ features }) => features),
    ),
  );
  let sum = 0;
  rows.forEach(({ label }, i) => {
    if (model.task === 'regression') sum += Math.abs(outputs[0]![i]! - Number(label));
    else {
      const k = model.classes.indexOf(String(label));
      const p = model.task === 'binary' ? (k === 1 ? outputs[0]![i]! : 1 - outputs[0]![i]!) : (outputs[k]?.[i] ?? 0);
      sum -= Math.log(Math.max(p, LEAST_PROBABILITY));
    }
  });
  return sum / rows.length;
}

function tune(rows: readonly LabelledFeatures[], options: TabularOptions): Tuning {
  const candidates = [FIRST_TUNING, ...shuffled(TUNINGS, options.seed)].slice(0, options.tuningBudget);
  const block = Math.floor(rows.length / (options.cvFolds + 1));
  if (candidates.length === 1 || block === 0) return FIRST_TUNING;
  let best = FIRST_TUNING;
  let bestLoss = Infinity;
  for (const candidate of candidates) {
    let loss = 0;
    for (let fold = 1; fold <= options.cvFolds; fold++) {
      const model = fit(rows.slice(0, fold * block), options, candidate);
      loss += tabularLoss(model, rows.slice(fold * block, (fold + 1) * block));
    }
    if (loss < bestLoss) {
      best = candidate;
      bestLoss = loss;
    }
  }
  return best;
}

function fit(rows: readonly LabelledFeatures[], options: TabularOptions, tuning: Tuning): TabularModel {
  const { task, positiveClass } = options;
  const classes =
    task === 'binary' && positiveClass !== null
      ? [options.classes.find((name) => name !== positiveClass) ?? `not ${positiveClass}`, positiveClass]
      : [...options.classes];
  const codes = new Map(classes.map((name, code) => [name, code]));
  const target = Float64Array.from(rows, ({ label }) =>
    task === 'regression' ? Number(label) : (codes.get(String(label)) ?? 0),
  );
  const features = rows.map((row) => row.features);
  const columns = options.features.map(({ name, kind }): TabularColumn =>
    kind === 'numeric' ? { name, kind } : { name, kind, ...categoryMeans(name, features, target) },
  );
  const trees = trainBoostedTrees(encode(columns, features), target, {
    objective: task,
    ...(task === 'multiclass' ? { classes: classes.length } : {}),
    ...tuning,
    bins: 63,
    minimumRowsPerLeaf: Math.max(5, Math.min(50, Math.floor(rows.length / 100))),
  });
  return { format: 'model-health-tabular/1', task, classes, columns, trees };
}

function categoryMeans(
  name: string,
  rows: readonly FeatureRow[],
  target: Float64Array,
): { readonly means: Record<string, number>; readonly other: number } {
  const sums = new Map<string, { sum: number; rows: number }>();
  let all = 0;
  rows.forEach((row, i) => {
    all += target[i]!;
    const value = row[name];
    if (value === null || value === undefined) return;
    const seen = sums.get(String(value)) ?? { sum: 0, rows: 0 };
    seen.sum += target[i]!;
    seen.rows++;
    sums.set(String(value), seen);
  });
  const other = all / rows.length;
  const means = [...sums].map(([category, seen]) => [
    category,
    (seen.sum + PRIOR_ROWS * other) / (seen.rows + PRIOR_ROWS),
  ]);
  return { means: Object.fromEntries(means) as Record<string, number>, other };
}

function encode(columns: readonly TabularColumn[], rows: readonly FeatureRow[]): Float64Array[] {
  return columns.map((column) =>
    Float64Array.from(rows, (row) => {
      const value = row[column.name];
      if (value === null || value === undefined) return NaN;
      if (column.kind === 'numeric') return typeof value === 'number' ? value : NaN;
      return Object.hasOwn(column.means, String(value)) ? column.means[String(value)]! : column.other;
    }),
  );
}

function everyNth<T>(rows: readonly T[], n: number): readonly T[] {
  return n <= 1 ? rows : rows.filter((_row, i) => i % n === 0);
}

/** Fisher and Yates, by a generator of 32 bits (mulberry32) so that the order is the same everywhere. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const result = [...items];
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
