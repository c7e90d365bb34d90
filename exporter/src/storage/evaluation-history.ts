import type { Pool, QueryResult } from 'pg';
import type { CheckName } from '../domain/settings.ts';
import { asServiceError } from './database-errors.ts';

/** Most stored evaluations that one question reads: five weeks of a version, one a minute. */
const MAX_ROWS = 50_000;

/** Stored evaluations, read for verdicts, effectiveness and back-tests. Every statement goes by the leaves' (model_id, evaluated_at). */
export class EvaluationHistory {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /** How often performance was in which state in [fromMs, toMs). */
  async performanceStates(
    model: string,
    version: string,
    fromMs: number,
    toMs: number,
  ): Promise<{ readonly alert: number; readonly fine: number }> {
    const { rows } = await this.query<{ alert: string; fine: string }>(
      `SELECT count(*) FILTER (WHERE state = 'alert') AS alert, count(*) FILTER (WHERE state IN ('ok', 'warning')) AS fine
       FROM (
         SELECT e.report #>> '{checks,performance,state}' AS state
         FROM models m JOIN model_versions v ON v.model_id = m.id JOIN evaluations e ON e.model_id = m.id AND e.version_id = v.id
         WHERE m.name = $1 AND v.version = $2 AND e.evaluated_at >= $3 AND e.evaluated_at < $4
       ) states`,
      [model, version, new Date(fromMs), new Date(toMs)],
    );
    return { alert: Number(rows[0]?.alert ?? 0), fine: Number(rows[0]?.fine ?? 0) };
  }

  /** Evaluations in [fromMs, toMs) that found performance in alert, in order of time. Without a model: of all. */
  async losses(
    model: string | undefined,
    fromMs: number,
    toMs: number,
  ): Promise<readonly { model: string; version: string; atMs: number; windowMs: number }[]> {
    const { rows } = await this.query<{ name: string; version: string; evaluated_at: Date; window_ms: number }>(
      `SELECT m.name, v.version, e.evaluated_at, (e.report #>> '{checks,performance,windowMs}')::float8 AS window_ms
       FROM models m JOIN model_versions v ON v.model_id = m.id JOIN evaluations e ON e.model_id = m.id AND e.version_id = v.id
       WHERE ($1::text IS NULL OR m.name = $1) AND e.evaluated_at >= $2 AND e.evaluated_at < $3
         AND e.report #>> '{checks,performance,state}' = 'alert'
       ORDER BY e.evaluated_at LIMIT ${MAX_ROWS}`,
      [model ?? null, new Date(fromMs), new Date(toMs)],
    );
    return rows.map((row) => ({
      model: row.name,
      version: row.version,
      atMs: row.evaluated_at.getTime(),
      windowMs: row.window_ms,
    }));
  }

  /** What a check found in [fromMs, toMs), in order of time. */
  async check(
    check: CheckName,
    model: string,
    version: string,
    fromMs: number,
    toMs: number,
  ): Promise<readonly { atMs: number; outcome: Readonly<Record<string, unknown>> }[]> {
    const { rows } = await this.query<{ evaluated_at: Date; outcome: Record<string, unknown> | null }>(
      `SELECT e.evaluated_at, e.report #> ARRAY['checks', $1] AS outcome
       FROM models m JOIN model_versions v ON v.model_id = m.id JOIN evaluations e ON e.model_id = m.id AND e.version_id = v.id
       WHERE m.name = $2 AND v.version = $3 AND e.evaluated_at >= $4 AND e.evaluated_at < $5
       ORDER BY e.evaluated_at LIMIT ${MAX_ROWS}`,
      [check, model, version, new Date(fromMs), new Date(toMs)],
    );
    return rows.flatMap((row) =>
      row.outcome === null ? [] : [{ atMs: row.evaluated_at.getTime(), outcome: row.outcome }],
    );
  }

  private async query<R extends object>(text: string, values: unknown[]): Promise<QueryResult<R>> {
    try {
      return await this.pool.query<R>(text, values);
    } catch (error) {
      throw asServiceError(error);
    }
  }
}
