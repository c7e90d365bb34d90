import type { Pool, QueryResult } from 'pg';
import type { WeekFigures } from '../domain/weekly-report.ts';
import { asServiceError } from './database-errors.ts';

export interface WeeklyReportRow extends WeekFigures {
  readonly model: string;
  /** Bins under which the busiest version was counted; null: there was none. */
  readonly schemeId: number | null;
  readonly counted: number;
  /** Plain JSON value. */
  readonly report: unknown;
}

/** Weekly reports, by model and the start of their week. */
export class WeeklyReportStore {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /**
   * Of these weeks the ones in which something of a model was counted, and which have no report or were looked at before
   * `checkedBeforeMs`; those without a report first.
   */
  async due(
    weeksMs: readonly number[],
    checkedBeforeMs: number,
    limit: number,
  ): Promise<readonly { readonly model: string; readonly weekMs: number }[]> {
    // Primary key of weekly_reports; statistics_bucket by its primary key, whose first column is the version.
    const { rows } = await this.query<{ name: string; week: Date }>(
      `SELECT m.name, w.week FROM models m CROSS JOIN unnest($1::timestamptz[]) AS w (week)
       LEFT JOIN weekly_reports r ON r.model_id = m.id AND r.week_start = w.week
       WHERE (r.checked_at IS NULL OR r.checked_at < $2) AND EXISTS (
         SELECT FROM model_versions v JOIN statistics_bucket b ON b.version_id = v.id
         WHERE v.model_id = m.id AND b.segment_id = 0
           AND b.bucket_start >= extract(epoch FROM w.week) / 60 AND b.bucket_start < extract(epoch FROM w.week + interval '7 days') / 60)
       ORDER BY r.checked_at NULLS FIRST, w.week, m.id LIMIT $3`,
      [weeksMs.map((ms) => new Date(ms)), new Date(checkedBeforeMs), limit],
    );
    return rows.map(({ name, week }) => ({ model: name, weekMs: week.getTime() }));
  }

  /**
   * A report takes the place of an earlier one unless it knows less: under the bins of a new baseline, which did not count all of the
   * week, or after statistics were deleted. Fewer by a tenth are erased predictions. Nothing happens for a model that is gone.
   */
  async keep(row: WeeklyReportRow, checkedAtMs: number): Promise<void> {
    const { rows } = await this.query(
      `INSERT INTO weekly_reports AS w (model_id, week_start, scheme_id, counted, health_score, performance, drift, report, checked_at)
       SELECT id, $2, $3, $4, $5, $6, $7, $8, $9 FROM models WHERE name = $1
       ON CONFLICT (model_id, week_start) DO UPDATE SET scheme_id = excluded.scheme_id, counted = excluded.counted,
         health_score = excluded.health_score, performance = excluded.performance, drift = excluded.drift,
         report = excluded.report, checked_at = excluded.checked_at
       WHERE excluded.counted >= w.counted * CASE WHEN w.scheme_id IS NOT DISTINCT FROM excluded.scheme_id THEN 0.9 ELSE 1 END
       RETURNING 1`,
      [
        row.model,
        new Date(row.weekMs),
        row.schemeId,
        row.counted,
        orNull(row.healthScore),
        orNull(row.performance),
        orNull(row.drift),
        JSON.stringify(row.report),
        new Date(checkedAtMs),
      ],
    );
    if (rows.length > 0) return;
    await this.query(
      'UPDATE weekly_reports SET checked_at = $3 WHERE model_id = (SELECT id FROM models WHERE name = $1) AND week_start = $2',
      [row.model, new Date(row.weekMs), new Date(checkedAtMs)],
    );
  }

  /** null: there is none. */
  async get(model: string, weekMs: number): Promise<unknown> {
    const { rows } = await this.query<{ report: unknown }>(
      'SELECT r.report FROM models m JOIN weekly_reports r ON r.model_id = m.id WHERE m.name = $1 AND r.week_start = $2',
      [model, new Date(weekMs)],
    );
    return rows[0]?.report ?? null;
  }

  /** Figures of the stored weeks that begin in [fromMs, toMs), in order. */
  async figures(model: string, fromMs: number, toMs: number): Promise<readonly WeekFigures[]> {
    const { rows } = await this.query<{
      week: Date;
      health: number | null;
      performance: number | null;
      drift: number | null;
    }>(
      `SELECT r.week_start AS week, r.health_score AS health, r.performance, r.drift
       FROM models m JOIN weekly_reports r ON r.model_id = m.id
       WHERE m.name = $1 AND r.week_start >= $2 AND r.week_start < $3 ORDER BY r.week_start`,
      [model, new Date(fromMs), Number.isFinite(toMs) ? new Date(toMs) : 'infinity'],
    );
    return rows.map(({ week, health, performance, drift }) => ({
      weekMs: week.getTime(),
      healthScore: health ?? NaN,
      performance: performance ?? NaN,
      drift: drift ?? NaN,
    }));
  }

  private async query<R extends object>(text: string, values: unknown[]): Promise<QueryResult<R>> {
    try {
      return await this.pool.query<R>(text, values);
    } catch (error) {
      throw asServiceError(error);
    }
  }
}

function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
