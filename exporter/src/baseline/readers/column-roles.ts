import type { BaselineRow } from '../../domain/baseline.ts';
import { ServiceError } from '../../domain/service-error.ts';

const ROLES = ['prediction', 'score', 'label', 'latency_ms', 'error', 'timestamp'] as const;
type Role = (typeof ROLES)[number];
const SCORE_PREFIX = 'score_';

/** What each column of a reference data set is. Columns are named by role, or mapped: `?map=label:target,prediction:pred`. */
export interface ColumnRoles {
  /** Column -> role, or score of a class; a column that is in neither is a feature. */
  readonly roleOf: ReadonlyMap<string, Role>;
}

/** @param map the query parameter; '' for none. Throws ServiceError invalid. */
export function readColumnMap(map: string): ColumnRoles {
  const roleOf = new Map<string, Role>(ROLES.map((role) => [role, role]));
  for (const pair of map.split(',').filter((part) => part.trim() !== '')) {
    const [role, column] = pair.split(':', 2).map((part) => part.trim());
    if (column === undefined || column === '' || !isRole(role))
      throw new ServiceError('invalid', `map=${pair} is not role:column; roles are ${ROLES.join(', ')}.`);
    // The column named like the role is a feature then.
    roleOf.delete(role);
    roleOf.set(column, role);
  }
  return { roleOf };
}

/** A flat record as a row of the baseline. */
export function toBaselineRow(record: Readonly<Record<string, unknown>>, { roleOf }: ColumnRoles): BaselineRow {
  const features: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  const named: Partial<Record<Role, unknown>> = {};
  let scores: Record<string, unknown> | undefined;
  for (const [column, value] of Object.entries(record)) {
    const role = roleOf.get(column);
    if (role !== undefined) named[role] = value;
    else if (column.startsWith(SCORE_PREFIX))
      (scores ??= Object.create(null) as Record<string, unknown>)[column.slice(SCORE_PREFIX.length)] = value;
    else features[column] = value;
  }
  return {
    features,
    prediction: named.prediction,
    score: named.score,
    scores,
    label: named.label,
    latencyMs: named.latency_ms,
    error: named.error,
    ...(named.timestamp === undefined ? {} : { timestamp: named.timestamp }),
  };
}

function isRole(role: string | undefined): role is Role {
  return ROLES.some((known) => known === role);
}
