import type { BaselineKind } from './health.ts';
import type { KnownOrUnknownTask } from './task.ts';

/** What GET /api/ml/models shows. */
export interface ModelDescription {
  readonly model: string;
  readonly task: KnownOrUnknownTask;
  readonly positiveClass: string | null;
  /** That predictions, labels or baselines have named. */
  readonly classes: readonly string[];
  readonly createdAtMs: number;
  readonly versions: readonly ModelVersionDescription[];
  /** What PUT /api/ml/models/:model declared, as it was sent. */
  readonly declared: ModelDeclaration;
}

export interface ModelVersionDescription {
  readonly version: string;
  readonly createdAtMs: number;
  readonly baseline: BaselineKind;
  readonly features: readonly { readonly name: string; readonly kind: 'numeric' | 'categorical' }[];
}

/** The body of PUT /api/ml/models/:model. Configuration files override it. */
export interface ModelDeclaration {
  readonly task?: 'binary' | 'multiclass' | 'regression';
  readonly positive_class?: string;
  readonly features?: Readonly<
    Record<
      string,
      {
        readonly type?: 'numeric' | 'categorical';
        readonly min?: number;
        readonly max?: number;
        readonly importance?: number;
      }
    >
  >;
  readonly thresholds?: Readonly<Record<string, number>>;
  readonly weights?: Readonly<Record<string, number>>;
}
