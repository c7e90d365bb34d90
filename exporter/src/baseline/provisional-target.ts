import { unbinned } from '../histogram/bin-scheme.ts';
import { FIRST_FEATURE_COLUMN } from '../histogram/model-columns.ts';
import type { FeatureColumn } from '../histogram/model-columns.ts';
import { MAX_CLASSES } from '../histogram/model-target.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import type { KnownOrUnknownTask } from '../domain/task.ts';
import type { UploadColumns } from './reference-rows.ts';

const UNREGISTERED = 0;

/**
 * The version as it will be once the columns of an upload are registered: rows are laid out by it, and nothing is registered before the
 * last of them has proved readable.
 *
 * @param known the version as it is
 * @param sibling any version of the model: classes are the model's
 */
export function provisionalTarget(
  model: string,
  version: string,
  columns: UploadColumns,
  declaredTask: KnownOrUnknownTask | undefined,
  known: ModelTarget | undefined,
  sibling: ModelTarget | undefined,
): ModelTarget {
  const features: FeatureColumn[] = [...(known?.features ?? [])];
  const count = { numeric: known?.numericCount ?? 0, categorical: known?.categoricalCount ?? 0 };
  for (const [name, kind] of columns.features)
    if (known?.featureByName.has(name) !== true)
      features.push({ name, kind, position: count[kind]++, column: FIRST_FEATURE_COLUMN + features.length });
  const classCodes = new Map(sibling?.classCodes);
  for (const name of columns.classes)
    if (!classCodes.has(name) && classCodes.size < MAX_CLASSES) classCodes.set(name, classCodes.size);
  return {
    modelId: UNREGISTERED,
    versionId: UNREGISTERED,
    model,
    version,
    task: sibling?.task ?? declaredTask ?? 'unknown',
    classCodes,
    onlyConfigured: new Set(),
    positiveClass: -1,
    errorCodes: new Map(),
    featureSetId: UNREGISTERED,
    features,
    featureByName: new Map(features.map((feature) => [feature.name, feature])),
    numericCount: count.numeric,
    categoricalCount: count.categorical,
    scheme: { id: UNREGISTERED, score: unbinned(), features: [], outlierFences: [] },
    countedFromMs: -Infinity,
    bucketMinutes: 60,
    segments: new Map(),
    rawSample: 1,
    declaredCategorical: new Set(),
  };
}

/** Whether rows laid out by `provisional` can be read as rows of `actual`: false when somebody else registered other names meanwhile. */
export function isLaidOutLike(provisional: ModelTarget, actual: ModelTarget): boolean {
  return (
    provisional.features.every(({ name, kind, position }) => {
      const now = actual.featureByName.get(name);
      return now?.kind === kind && now.position === position;
    }) && [...provisional.classCodes].every(([name, code]) => actual.classCodes.get(name) === code)
  );
}
