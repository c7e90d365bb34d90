// Gradient-boosted trees on histograms: Friedman (2001), "Greedy function approximation"; second-order gains and leaf values as in Chen &
// Guestrin (2016), "XGBoost"; binned features and the subtraction of sibling histograms as in Ke et al. (2017), "LightGBM".

export type Objective = 'binary' | 'multiclass' | 'regression';

export interface TrainingOptions {
  readonly objective: Objective;
  /** Number of classes K of a multiclass target. */
  readonly classes?: number;
  readonly rounds?: number;
  readonly depth?: number;
  /** Shrinkage of every leaf, 0..1. */
  readonly learningRate?: number;
  /** L2 penalty on leaf values. */
  readonly lambda?: number;
  readonly minimumRowsPerLeaf?: number;
  /** At most 255. */
  readonly bins?: number;
  readonly onRound?: (done: number, rounds: number) => void;
}

/** A tree as parallel arrays; node 0 is the root. Plain data: it can be cloned between threads and stored as JSON. */
interface Tree {
  /** Column that an inner node looks at; -1 for a leaf. */
  readonly column: number[];
  /** Rows with value <= threshold go left; a missing value goes left. */
  readonly threshold: number[];
  readonly left: number[];
  readonly right: number[];
  /** What a leaf adds to the raw score. */
  readonly value: number[];
}

export interface BoostedTrees {
  readonly objective: Objective;
  /** Raw score before the first tree: one entry, K for multiclass. */
  readonly initial: readonly number[];
  /** By round; one tree a round, K for multiclass. */
  readonly rounds: readonly (readonly Tree[])[];
}

const MAX_BINS = 255;
const EDGE_SAMPLE = 50_000;
const SMALLEST_HESSIAN = 1e-6;
const SMALLEST_GAIN = 1e-9;

/**
 * Deterministic: the same rows in the same order give the same trees.
 *
 * @param columns features by column, each of n values; NaN is missing and sorts below every number
 * @param target n values: 0 or 1 (binary), 0..K-1 (multiclass), any finite number (regression)
 * @throws RangeError when there are no rows, lengths differ, or a class is out of range
 */
export function trainBoostedTrees(
  columns: readonly Float64Array[],
  target: Float64Array,
  options: TrainingOptions,
): BoostedTrees {
  const { objective, rounds = 50, onRound } = options;
  const outputs = objective === 'multiclass' ? (options.classes ?? 0) : 1;
  checkInput(columns, target, objective, outputs);
  const n = target.length;
  const edges = columns.map((column) => quantileEdges(column, Math.min(options.bins ?? MAX_BINS, MAX_BINS)));
  const grower = new TreeGrower(
    columns.map((column, c) => binned(column, edges[c]!)),
    edges,
    options,
  );
  const initial = initialScores(target, objective, outputs);
  const scores = initial.map((value) => new Float64Array(n).fill(value));
  const gradient = new Float64Array(n);
  const hessian = new Float64Array(n);
  const grown: Tree[][] = [];
  for (let round = 0; round < rounds; round++) {
    const probabilities = objective === 'multiclass' ? softmax(scores) : scores;
    grown.push(
      scores.map((score, k) => {
        derivatives(objective, probabilities[k]!, target, k, gradient, hessian);
        return grower.grow(gradient, hessian, score);
      }),
    );
    onRound?.(round + 1, rounds);
  }
  return { objective, initial, rounds: grown };
}

/**
 * @param columns as in training
 * @returns binary: probability of class 1 by row; multiclass: probabilities by class, then row; regression: values by row
 */
export function predictBoostedTrees(model: BoostedTrees, columns: readonly Float64Array[]): Float64Array[] {
  const n = columns[0]?.length ?? 0;
  const scores = model.initial.map((value) => new Float64Array(n).fill(value));
  for (const round of model.rounds) round.forEach((tree, k) => addTree(tree, columns, scores[k]!));
  if (model.objective === 'multiclass') return softmax(scores);
  if (model.objective === 'binary') scores[0]!.forEach((raw, i, all) => (all[i] = logistic(raw)));
  return scores;
}

function checkInput(columns: readonly Float64Array[], target: Float64Array, objective: Objective, outputs: number) {
  if (target.length === 0 || columns.length === 0) throw new RangeError('training needs rows and columns');
  if (columns.some((column) => column.length !== target.length))
    throw new RangeError('every column must have as many rows as the target');
  if (objective === 'multiclass' && outputs < 2) throw new RangeError('multiclass needs at least two classes');
  const classes = objective === 'binary' ? 2 : outputs;
  const valid = (y: number) =>
    objective === 'regression' ? Number.isFinite(y) : Number.isInteger(y) && y >= 0 && y < classes;
  const wrong = target.findIndex((y) => !valid(y));
  if (wrong >= 0) throw new RangeError(`row ${wrong}: ${target[wrong]} is not a target of ${objective}`);
}

/** Ascending and distinct; bin b holds values <= edges[b], the last bin the rest. */
function quantileEdges(column: Float64Array, bins: number): Float64Array {
  const step = Math.max(1, Math.floor(column.length / EDGE_SAMPLE));
  const sample: number[] = [];
  for (let i = 0; i < column.length; i += step) if (!Number.isNaN(column[i]!)) sample.push(column[i]!);
  const sorted = Float64Array.from(sample).sort();
  const edges: number[] = [];
  for (let b = 1; b < bins; b++) {
    const quantile = sorted[Math.floor((b * sorted.length) / bins)];
    if (quantile !== undefined && (edges.length === 0 || quantile > edges.at(-1)!)) edges.push(quantile);
  }
  return Float64Array.from(edges);
}

function binned(column: Float64Array, edges: Float64Array): Uint8Array {
  return Uint8Array.from(column, (value) => {
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      // A missing value is in no order: the negation puts it below all.
      if (!(value > edges[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}

function initialScores(target: Float64Array, objective: Objective, outputs: number): number[] {
  const n = target.length;
  const mean = target.reduce((sum, y) => sum + y, 0) / n;
  if (objective === 'regression') return [mean];
  // Half a row more of each class: a class that does not occur has a score all the same.
  if (objective === 'binary') return [Math.log((mean * n + 0.5) / (n - mean * n + 0.5))];
  const counts = new Float64Array(outputs).fill(0.5);
  for (const y of target) counts[y]! += 1;
  return [...counts].map((count) => Math.log(count / n));
}

function logistic(raw: number): number {
  return 1 / (1 + Math.exp(-raw));
}

function softmax(scores: readonly Float64Array[]): Float64Array[] {
  const n = scores[0]?.length ?? 0;
  const probabilities = scores.map(() => new Float64Array(n));
  for (let i = 0; i < n; i++) {
    let top = -Infinity;
    for (const score of scores) top = Math.max(top, score[i]!);
    let sum = 0;
    for (let k = 0; k < scores.length; k++) sum += probabilities[k]![i] = Math.exp(scores[k]![i]! - top);
    for (const probability of probabilities) probability[i]! /= sum;
  }
  return probabilities;
}

/** First and second derivative of the loss (log loss, squared error / 2) by the raw score. */
function derivatives(
  objective: Objective,
  current: Float64Array,
  target: Float64Array,
  k: number,
  gradient: Float64Array,
  hessian: Float64Array,
): void {
  for (let i = 0; i < target.length; i++) {
    if (objective === 'regression') {
      gradient[i] = current[i]! - target[i]!;
      hessian[i] = 1;
      continue;
    }
    const p = objective === 'binary' ? logistic(current[i]!) : current[i]!;
    const y = objective === 'binary' ? target[i]! : Number(target[i] === k);
    gradient[i] = p - y;
    hessian[i] = Math.max(p * (1 - p), SMALLEST_HESSIAN);
  }
}

function addTree(
  { column, threshold, left, right, value }: Tree,
  columns: readonly Float64Array[],
  score: Float64Array,
) {
  for (let i = 0; i < score.length; i++) {
    let node = 0;
    while (column[node]! >= 0) {
      const goesRight = columns[column[node]!]![i]! > threshold[node]!;
      node = goesRight ? right[node]! : left[node]!;
    }
    score[i]! += value[node]!;
  }
}

/** Sums of gradient, hessian and rows of one node: bin b of column c at c * 256 + b. */
interface Histogram {
  readonly gradient: Float64Array;
  readonly hessian: Float64Array;
  readonly rows: Float64Array;
}

interface Split {
  readonly column: number;
  readonly bin: number;
}

const STRIDE = 256;

/** Grows one tree after another over the same rows; the order of rows is its only scratch state. */
class TreeGrower {
  private readonly bins: readonly Uint8Array[];
  private readonly edges: readonly Float64Array[];
  private readonly order: Uint32Array;
  private readonly depth: number;
  private readonly learningRate: number;
  private readonly lambda: number;
  private readonly minimumRows: number;

  constructor(
    bins: readonly Uint8Array[],
    edges: readonly Float64Array[],
    { depth = 5, learningRate = 0.15, lambda = 1, minimumRowsPerLeaf = 50 }: TrainingOptions,
  ) {
    this.bins = bins;
    this.edges = edges;
    this.order = new Uint32Array(bins[0]!.length);
    this.depth = depth;
    this.learningRate = learningRate;
    this.lambda = lambda;
    this.minimumRows = minimumRowsPerLeaf;
  }

  /** Adds the tree's own values to `score` while it has the rows of each leaf at hand. */
  grow(gradient: Float64Array, hessian: Float64Array, score: Float64Array): Tree {
    const tree: Tree = { column: [], threshold: [], left: [], right: [], value: [] };
    for (let i = 0; i < this.order.length; i++) this.order[i] = i;
    const visit = (from: number, to: number, depth: number, sums: Histogram): number => {
      const node = tree.column.length;
      const split = depth > 0 && to - from >= 2 * this.minimumRows ? this.bestSplit(sums) : null;
      tree.column.push(split?.column ?? -1);
      tree.threshold.push(split === null ? 0 : this.edges[split.column]![split.bin]!);
      tree.left.push(0);
      tree.right.push(0);
      tree.value.push(split === null ? this.leafValue(sums) : 0);
      if (split === null) {
        for (let at = from; at < to; at++) score[this.order[at]!]! += tree.value[node]!;
        return node;
      }
      const middle = this.partition(from, to, split);
      // Only the smaller child is counted; the other is what is left of the parent.
      const leftIsSmaller = middle - from <= to - middle;
      const counted = leftIsSmaller
        ? this.count(from, middle, gradient, hessian)
        : this.count(middle, to, gradient, hessian);
      subtract(sums, counted);
      tree.left[node] = visit(from, middle, depth - 1, leftIsSmaller ? counted : sums);
      tree.right[node] = visit(middle, to, depth - 1, leftIsSmaller ? sums : counted);
      return node;
    };
    visit(0, this.order.length, this.depth, this.count(0, this.order.length, gradient, hessian));
    return tree;
  }

  private count(from: number, to: number, gradient: Float64Array, hessian: Float64Array): Histogram {
    const size = this.bins.length * STRIDE;
    const sums = { gradient: new Float64Array(size), hessian: new Float64Array(size), rows: new Float64Array(size) };
    this.bins.forEach((bin, column) => {
      const base = column * STRIDE;
      for (let at = from; at < to; at++) {
        const row = this.order[at]!;
        const cell = base + bin[row]!;
        sums.gradient[cell]! += gradient[row]!;
        sums.hessian[cell]! += hessian[row]!;
        sums.rows[cell]! += 1;
      }
    });
    return sums;
  }

  private leafValue(sums: Histogram): number {
    const { gradient, hessian } = total(sums);
    return (-this.learningRate * gradient) / (hessian + this.lambda);
  }

  private bestSplit(sums: Histogram): Split | null {
    const all = total(sums);
    const base = all.gradient ** 2 / (all.hessian + this.lambda);
    let best: Split | null = null;
    let bestGain = SMALLEST_GAIN;
    this.edges.forEach((edges, column) => {
      let gradient = 0;
      let hessian = 0;
      let rows = 0;
      for (let bin = 0; bin < edges.length; bin++) {
        const cell = column * STRIDE + bin;
        gradient += sums.gradient[cell]!;
        hessian += sums.hessian[cell]!;
        rows += sums.rows[cell]!;
        if (rows < this.minimumRows) continue;
        if (all.rows - rows < this.minimumRows) break;
        const gain =
          gradient ** 2 / (hessian + this.lambda) +
          (all.gradient - gradient) ** 2 / (all.hessian - hessian + this.lambda) -
          base;
        if (gain <= bestGain) continue;
        bestGain = gain;
        best = { column, bin };
      }
    });
    return best;
  }

  /** Rows of the left child first; returns where the right child starts. */
  private partition(from: number, to: number, { column, bin }: Split): number {
    const bins = this.bins[column]!;
    let low = from;
    let high = to - 1;
    while (low <= high) {
      const row = this.order[low]!;
      if (bins[row]! <= bin) low++;
      else {
        this.order[low] = this.order[high]!;
        this.order[high--] = row;
      }
    }
    return low;
  }
}

function total({ gradient, hessian, rows }: Histogram): { gradient: number; hessian: number; rows: number } {
  const sums = { gradient: 0, hessian: 0, rows: 0 };
  // Every column holds every row: the first is enough.
  for (let bin = 0; bin < STRIDE; bin++) {
    sums.gradient += gradient[bin]!;
    sums.hessian += hessian[bin]!;
    sums.rows += rows[bin]!;
  }
  return sums;
}

function subtract(from: Histogram, part: Histogram): void {
  for (let cell = 0; cell < from.rows.length; cell++) {
    from.gradient[cell]! -= part.gradient[cell]!;
    from.hessian[cell]! -= part.hessian[cell]!;
    from.rows[cell]! -= part.rows[cell]!;
  }
}
