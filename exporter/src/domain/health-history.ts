import type { CheckState, Severity } from './health.ts';
import type { CheckName } from './settings.ts';

/** One stored evaluation of a model version, without its figures. */
export interface HealthPoint {
  readonly model: string;
  readonly version: string;
  readonly evaluatedAtMs: number;
  /** NaN: no check had data. */
  readonly score: number;
  readonly severity: Severity;
  readonly checks: Readonly<Record<CheckName, { readonly state: CheckState; readonly score: number }>>;
}

export interface HistoryQuery {
  /** undefined: all models. */
  readonly model: string | undefined;
  /** undefined: all versions. */
  readonly version: string | undefined;
  /** [from, to) */
  readonly fromMs: number;
  readonly toMs: number;
  /** Of each version at most one point a step: its last. */
  readonly stepMs: number;
  readonly limit: number;
  /** Only what comes after this point. */
  readonly after: Pick<HealthPoint, 'evaluatedAtMs' | 'model' | 'version'> | null;
}
