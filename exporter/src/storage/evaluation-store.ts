import type { Pool } from 'pg';
import { DAY_MS } from '../histogram/time-bucket.ts';

/** One evaluation to be kept: what back-tests, history and weekly reports read. */
export interface EvaluationRecord {
  readonly modelId: number;
  readonly versionId: number;
  readonly evaluatedAtMs: number;
  /** NaN: no score. */
  readonly healthScore: number;
  readonly severity: string;
  /** Plain JSON value. */
  readonly report: unknown;
}

/** Index of every daily leaf of evaluations. */
export const EVALUATION_INDEXES = ['CREATE INDEX {leaf}_model ON {leaf} (model_id, evaluated_at)'];

export class EvaluationStore {
  private readonly pool: Pool;
  private readonly ensureDays: (daysMs: readonly number[]) => Promise<void>;

  constructor(pool: Pool, ensureDays: (daysMs: readonly number[]) => Promise<void>) {
    this.pool = pool;
    this.ensureDays = ensureDays;
  }

  async append(records: readonly EvaluationRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.ensureDays([
      ...new Set(records.map(({ evaluatedAtMs }) => Math.floor(evaluatedAtMs / DAY_MS) * DAY_MS)),
    ]);
    await this.pool.query(
      `INSERT INTO evaluations (model_id, version_id, evaluated_at, health_score, severity, report)
       SELECT * FROM unnest($1::int[], $2::int[], $3::timestamptz[], $4::float8[], $5::text[], $6::jsonb[])`,
      [
        records.map(({ modelId }) => modelId),
        records.map(({ versionId }) => versionId),
        records.map(({ evaluatedAtMs }) => new Date(evaluatedAtMs)),
        records.map(({ healthScore }) => (Number.isNaN(healthScore) ? null : healthScore)),
        records.map(({ severity }) => severity),
        records.map(({ report }) => JSON.stringify(report)),
      ],
    );
  }
}
