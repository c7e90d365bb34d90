import type { Pool, QueryResult } from 'pg';
import { asServiceError } from './database-errors.ts';

export interface StoredEvaluation {
  readonly version: string;
  /** As evaluation-record wrote it. */
  readonly record: unknown;
}

/** The newest stored evaluations. Every statement goes by the leaves' (model_id, evaluated_at). */
export class LatestEvaluations {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /** The newest of each version of a model since a moment. */
  async of(model: string, sinceMs: number): Promise<readonly StoredEvaluation[]> {
    const { rows } = await this.query<StoredEvaluation>(
      `SELECT v.version, e.record FROM models m JOIN model_versions v ON v.model_id = m.id, LATERAL (
         SELECT report AS record FROM evaluations
         WHERE model_id = m.id AND version_id = v.id AND evaluated_at >= $2 ORDER BY evaluated_at DESC LIMIT 1
       ) e WHERE m.name = $1`,
      [model, new Date(sinceMs)],
    );
    return rows;
  }

  /** Which features had drifted significantly, in order of time, one evaluation an hour; those that had no verdict are left out. */
  async drifts(
    { modelId, versionId }: { readonly modelId: number; readonly versionId: number },
    sinceMs: number,
  ): Promise<readonly { readonly atMs: number; readonly significant: readonly string[] }[]> {
    const { rows } = await this.query<{ evaluated_at: Date; significant: string[] | null }>(
      `SELECT DISTINCT ON (date_trunc('hour', evaluated_at)) evaluated_at, report #> '{checks,data_drift,significant}' AS significant
       FROM evaluations WHERE model_id = $1 AND version_id = $2 AND evaluated_at >= $3
         AND report #>> '{checks,data_drift,state}' <> 'insufficient_data'
       ORDER BY date_trunc('hour', evaluated_at), evaluated_at`,
      [modelId, versionId, new Date(sinceMs)],
    );
    return rows.map((row) => ({ atMs: row.evaluated_at.getTime(), significant: row.significant ?? [] }));
  }

  private async query<R extends object>(text: string, values: unknown[]): Promise<QueryResult<R>> {
    try {
      return await this.pool.query<R>(text, values);
    } catch (error) {
      throw asServiceError(error);
    }
  }
}
