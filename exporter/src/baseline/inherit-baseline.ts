import type { BaselineDescription, DesignEffects } from '../domain/baseline.ts';
import { CODES, unbinned } from '../histogram/bin-scheme.ts';
import { emptyBucket } from '../histogram/bucket-codec.ts';
import type { BucketCounts } from '../histogram/bucket-codec.ts';
import { buildCategoryBins } from '../histogram/categories.ts';
import { ABSENT, FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { BinScheme, FeatureColumn } from '../histogram/model-columns.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import type { Activation } from './make-baseline.ts';

/** A baseline of another version of the same model, with what it was counted under. */
export interface InheritableBaseline {
  readonly target: ModelTarget;
  readonly description: BaselineDescription;
  readonly captured: Activation['captured'];
  readonly counts: BucketCounts;
  readonly designEffects: readonly DesignEffects[];
}

/**
 * The same baseline under the columns of another version: features go by name, because each version registers them in its own order. One
 * that the source does not have, or has as another kind, is absent. Classes and errors are the model's, and need no translation.
 */
export function inheritBaseline(source: InheritableBaseline, heir: ModelTarget): Activation {
  const { target, description, counts } = source;
  const sourceOf = ({ name, kind }: FeatureColumn) => {
    const known = target.featureByName.get(name);
    return known?.kind === kind ? known : undefined;
  };
  const at = ({ column }: FeatureColumn) => column - FIRST_FEATURE_COLUMN;
  const inherited = emptyBucket(FIRST_FEATURE_COLUMN + heir.features.length);
  const columns = new Map<number, number>();
  for (let column = 0; column < FIRST_FEATURE_COLUMN; column++) columns.set(column, column);
  for (const feature of heir.features) {
    const known = sourceOf(feature);
    if (known === undefined) inherited.features.column(feature.column)[ABSENT] = counts.features.rows;
    else columns.set(known.column, feature.column);
  }
  copyColumns(counts, inherited, columns);
  const shared = new Set(heir.features.filter((feature) => sourceOf(feature) !== undefined).map(({ name }) => name));
  return {
    target: heir,
    kind: description.kind === 'captured' ? 'captured' : 'reference',
    inheritedFrom: description.id,
    madeAtMs: description.madeAtMs,
    captured: source.captured,
    learnt: {
      task: target.task,
      positiveClass: [...target.classCodes].find(([, code]) => code === target.positiveClass)?.[0] ?? null,
      classes: new Set(),
    },
    scheme: {
      score: target.scheme.score,
      features: heir.features.map((feature) => binsOf(target.scheme, sourceOf(feature), feature.kind)),
      outlierFences: heir.features.map((feature) => {
        const known = sourceOf(feature);
        return known === undefined ? null : (target.scheme.outlierFences[at(known)] ?? null);
      }),
    },
    counts: inherited,
    chunks: [],
    designEffects: source.designEffects.map((of) =>
      inColumns(of, columns, FIRST_FEATURE_COLUMN + heir.features.length),
    ),
    rows: description.rows,
    summaries: description.features.filter(({ feature }) => shared.has(feature)),
    ignoredColumns: [],
  };
}

function inColumns(
  { windowMs, byColumn }: DesignEffects,
  columns: ReadonlyMap<number, number>,
  count: number,
): DesignEffects {
  const copied = new Array<number>(count).fill(NaN);
  for (const [source, column] of columns) copied[column] = byColumn[source] ?? NaN;
  return { windowMs, byColumn: copied };
}

function binsOf(scheme: BinScheme, known: FeatureColumn | undefined, kind: FeatureColumn['kind']) {
  const bins = known === undefined ? undefined : scheme.features[known.column - FIRST_FEATURE_COLUMN];
  return bins ?? (kind === 'numeric' ? unbinned() : buildCategoryBins(new Map()));
}

/** @param columns column of the source -> column of the copy */
function copyColumns(from: BucketCounts, into: BucketCounts, columns: ReadonlyMap<number, number>): void {
  from.features.ensureColumns(Math.max(...columns.keys()) + 1);
  for (const [source, column] of columns) into.features.column(column).set(from.features.column(source));
  for (const [key, sum] of from.features.tails) {
    const column = columns.get(Math.floor(key / CODES));
    if (column !== undefined) into.features.tails.set(column * CODES + (key % CODES), sum);
  }
  into.features.rows = from.features.rows;
  into.features.positives.set(from.features.positives);
  into.features.scoreSum = from.features.scoreSum;
  into.features.confidenceRows = from.features.confidenceRows;
  into.features.confidenceSum = from.features.confidenceSum;
  for (const [minute, traffic] of from.minutes) into.minutes.set(minute, traffic);
  into.performance.merge(from.performance, 1);
}
