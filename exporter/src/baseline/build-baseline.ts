import { setImmediate } from 'node:timers/promises';
import type { BaselineFeatureSummary } from '../domain/baseline.ts';
import type { FeatureSettings } from '../domain/settings.ts';
import { defaultPositiveClass, inferTask, MAX_INTEGER_CLASSES } from '../domain/task.ts';
import type { KnownOrUnknownTask } from '../domain/task.ts';
import { binBatch } from '../histogram/bin-batch.ts';
import { buildNumericBins, MISSING, nextDown, unbinned } from '../histogram/bin-scheme.ts';
import { emptyBucket } from '../histogram/bucket-codec.ts';
import type { BucketCounts } from '../histogram/bucket-codec.ts';
import { buildCategoryBins } from '../histogram/categories.ts';
import { countApart, countBatch } from '../histogram/count-rows.ts';
import { ABSENT, FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { BinScheme, ColumnBins, FeatureColumn } from '../histogram/model-columns.ts';
import { driftScore } from '../histogram/model-target.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import { ColumnSample } from './column-sample.ts';
import type { Spool } from './spool.ts';

/** What the rows of a baseline say of the model: fixed when the baseline becomes active. */
export interface LearntModel {
  readonly task: KnownOrUnknownTask;
  /** null: not binary, or no class seen. */
  readonly positiveClass: string | null;
  /** Classes predicted or labelled, to be registered before the rows are counted. */
  readonly classes: ReadonlySet<string>;
}

export interface BuiltScheme {
  readonly scheme: Omit<BinScheme, 'id'>;
  readonly summaries: readonly BaselineFeatureSummary[];
}

const MAX_SEEN_CLASSES = 250;
const MAX_SEEN_CATEGORIES = 100_000;

/** The first look: classes and task, unless `declared` says the task. */
export async function learnModel(
  spool: Spool,
  target: ModelTarget,
  declaredPositive: string | undefined,
): Promise<LearntModel> {
  const classes = new Set<string>();
  const predicted = new Set<string>();
  let named = false;
  let fractional = false;
  for await (const { batch, labels } of spool.read(target)) {
    for (let i = 0; i < batch.rows; i++) {
      const name = batch.classes[i] ?? null;
      const value = batch.predictions[i]!;
      if (name !== null && classes.size < MAX_SEEN_CLASSES) classes.add(name);
      if (name !== null && predicted.size <= MAX_INTEGER_CLASSES) predicted.add(name);
      if ((name !== null && Number.isNaN(value)) || batch.classScores[i] !== null || Number.isFinite(batch.scores[i]!))
        named = true;
      if (Number.isFinite(value) && !Number.isInteger(value)) fractional = true;
      const label = labels[i]?.className ?? null;
      if (label !== null && classes.size < MAX_SEEN_CLASSES) classes.add(label);
    }
  }
  // Labels count as classes, too: a rare class may not have been predicted yet.
  const all = named || predicted.size <= 2 ? classes : predicted;
  const task = target.task === 'unknown' ? inferTask({ classes: [...all], named, fractional }) : target.task;
  const positiveClass = task === 'binary' ? (declaredPositive ?? defaultPositiveClass([...classes]) ?? null) : null;
  return { task, positiveClass, classes: task === 'regression' ? new Set() : classes };
}

/**
 * The second look: bins of every feature and of the watched score.
 *
 * @param target with the learnt task and all classes registered
 * @param present names of the features that the rows can have; the others get no bins
 */
export async function buildScheme(
  spool: Spool,
  target: ModelTarget,
  present: ReadonlySet<string>,
  declared: ReadonlyMap<string, FeatureSettings>,
  maxCategories: number,
): Promise<BuiltScheme> {
  const samples = target.features.map((feature) =>
    feature.kind === 'numeric' ? new ColumnSample(feature.column) : null,
  );
  const categories = target.features.map(() => new Map<string, number>());
  const score = new ColumnSample(0);
  for await (const { batch } of spool.read(target)) {
    for (let i = 0; i < batch.rows; i++) {
      score.add(driftScore(target, batch.predictions[i]!, batch.scores[i]!, batch.classScores[i] ?? null));
      for (const [f, feature] of target.features.entries()) {
        const at =
          feature.kind === 'numeric' ? batch.numberAt[i]! + feature.position : batch.textAt[i]! + feature.position;
        if (feature.kind === 'numeric') {
          if (at < batch.numberAt[i + 1]!) samples[f]!.add(batch.numbers[at]!);
        } else if (at < batch.textAt[i + 1]!) countCategory(categories[f]!, batch.texts[at] ?? null);
      }
    }
  }
  const built: BuiltColumn[] = [];
  for (const [f, feature] of target.features.entries()) {
    built.push(
      feature.kind === 'numeric'
        ? numericColumn(feature, samples[f]!, declared.get(feature.name))
        : categoricalColumn(feature, categories[f]!, maxCategories),
    );
    // Each sorts a hundred thousand values, and there may be hundreds.
    await setImmediate();
  }
  return {
    scheme: {
      score: score.seen === 0 ? unbinned() : buildNumericBins(score.values(), decisionEdge(target)),
      features: built.map(({ bins }) => bins),
      outlierFences: built.map(({ fences }) => fences),
    },
    summaries: built
      .map(({ summary }) => ({ ...summary, missing: spool.rows - summary.values }))
      .filter(({ feature }) => present.has(feature)),
  };
}

/** A binary score alone means the positive class from one half on: no bin lies on both sides. */
function decisionEdge({ task }: ModelTarget): { readonly mustHaveEdges?: readonly number[] } {
  return task === 'binary' ? { mustHaveEdges: [nextDown(0.5)] } : {};
}

/** The third look: every row counted under the new scheme. Features that the rows cannot have are absent, not missing. */
export async function countBaseline(
  spool: Spool,
  target: ModelTarget,
  present: ReadonlySet<string>,
): Promise<BucketCounts> {
  const bucket = emptyBucket(FIRST_FEATURE_COLUMN + target.features.length);
  for await (const { batch, labels } of spool.read(target)) countBatch(bucket, binBatch(batch), labels, null);
  markAbsent(bucket, target, present);
  return bucket;
}

/** The same rows in so many equal parts, in their order: consecutive, because what comes together is alike. */
export async function countChunks(
  spool: Spool,
  target: ModelTarget,
  present: ReadonlySet<string>,
  chunks: number,
): Promise<BucketCounts[]> {
  const parts = Array.from({ length: chunks }, () => emptyBucket(FIRST_FEATURE_COLUMN + target.features.length));
  let before = 0;
  for await (const { batch, labels } of spool.read(target)) {
    const first = before;
    countApart((row) => parts[Math.floor(((first + row) * chunks) / spool.rows)]!, binBatch(batch), labels);
    before += batch.rows;
  }
  for (const part of parts) markAbsent(part, target, present);
  return parts;
}

function markAbsent({ features }: BucketCounts, target: ModelTarget, present: ReadonlySet<string>): void {
  for (const { name, column } of target.features) {
    if (present.has(name)) continue;
    const counts = features.column(column);
    counts[ABSENT] = counts[ABSENT]! + counts[MISSING]!;
    counts[MISSING] = 0;
  }
}

interface BuiltColumn {
  readonly bins: ColumnBins;
  readonly fences: readonly [number, number] | null;
  readonly summary: BaselineFeatureSummary;
}

function numericColumn(
  feature: FeatureColumn,
  sample: ColumnSample,
  declared: FeatureSettings | undefined,
): BuiltColumn {
  const range: number[] = [];
  if (declared?.min !== undefined) range.push(nextDown(declared.min));
  if (declared?.max !== undefined) range.push(declared.max);
  const summary = {
    feature: feature.name,
    kind: 'numeric' as const,
    values: sample.seen,
    missing: 0,
    mean: sample.mean,
    min: sample.seen === 0 ? NaN : sample.min,
    max: sample.seen === 0 ? NaN : sample.max,
  };
  if (sample.seen === 0) return { bins: unbinned(range), fences: null, summary: { ...summary, bins: 0 } };
  const values = sample.values();
  const fences = tukeyFences(values);
  const bins = buildNumericBins(values, { mustHaveEdges: fences === null ? range : [...range, ...fences] });
  return { bins, fences, summary: { ...summary, bins: bins.edges.length + 1 } };
}

function categoricalColumn(
  feature: FeatureColumn,
  counts: ReadonlyMap<string, number>,
  maxCategories: number,
): BuiltColumn {
  const bins = buildCategoryBins(counts, maxCategories);
  let values = 0;
  for (const count of counts.values()) values += count;
  const summary = {
    feature: feature.name,
    kind: 'categorical' as const,
    values,
    missing: 0,
    bins: bins.categories.length,
    mean: NaN,
    min: NaN,
    max: NaN,
  };
  return { bins, fences: null, summary };
}

function countCategory(counts: Map<string, number>, value: string | null): void {
  if (value === null) return;
  const known = counts.get(value);
  if (known !== undefined || counts.size < MAX_SEEN_CATEGORIES) counts.set(value, (known ?? 0) + 1);
}

/**
 * [Q1 - 3 IQR, Q3 + 3 IQR] (Tukey 1977, "far out"), the lower one step down so that both are edges of upper-inclusive bins: values <=
 * the first or > the second are outliers. null when the middle half of the values is one point: then everything else would be.
 */
function tukeyFences(values: Float64Array): readonly [number, number] | null {
  const sorted = Float64Array.from(values).sort();
  const q1 = sorted[Math.ceil(sorted.length * 0.25) - 1] ?? NaN;
  const q3 = sorted[Math.ceil(sorted.length * 0.75) - 1] ?? NaN;
  const spread = 3 * (q3 - q1);
  return spread > 0 && Number.isFinite(spread) ? [nextDown(q1 - spread), q3 + spread] : null;
}
