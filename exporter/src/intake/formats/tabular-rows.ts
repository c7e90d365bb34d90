import type { TabularRows } from '../../domain/prediction-half.ts';
import { isObject } from './parse-json.ts';

const NO_ROWS: TabularRows = { names: [], rows: [] };

/**
 * Instances of a request as rows of features: objects by their keys, arrays under `names` or else `feature_0`, `feature_1` and so on,
 * lonely values as `feature_0`. A row that is no table (an image, nested values) keeps its place and has no features.
 */
export function tabularRows(instances: readonly unknown[], names: readonly string[] | null): TabularRows {
  if (instances.length === 0) return NO_ROWS;
  if (instances.every(isObject)) return { names: null, rows: instances.map(scalarsOf) };
  const rows = instances.map((instance) => {
    const values: readonly unknown[] = Array.isArray(instance) ? instance : [instance];
    return values.every((value) => typeof value !== 'object' || value === null) ? values : [];
  });
  const width = rows.reduce((most, row) => Math.max(most, row.length), 0);
  return { names: columnNames('feature', width, names), rows };
}

/** As many names as there are columns: those given, and counted ones for what is over. A single column has the bare name when it is a tensor's. */
export function columnNames(stem: string, width: number, names: readonly string[] | null): readonly string[] {
  return Array.from({ length: width }, (_, i) => names?.[i] ?? `${stem}_${i}`);
}

/** Values by key; a list of one counts as its value, and what is nested otherwise is left out. */
function scalarsOf(instance: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const flat: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(instance)) {
    const value: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given;
    if (typeof value !== 'object' || value === null) flat[name] = value;
  }
  return flat;
}
