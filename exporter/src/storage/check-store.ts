import type { Pool } from 'pg';

/** When the triggers of each model were last looked at, and which alert asks that they be looked at now. */
export class CheckStore {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /** A model that is met for the first time counts as looked at now: its first check is the next one. */
  async last(modelId: number, nowMs: number): Promise<{ readonly checkedAtMs: number; readonly alert: string | null }> {
    const { rows } = await this.pool.query<{ checked_at: Date; alert: string | null }>(
      `WITH met AS (INSERT INTO retraining_checks (model_id, checked_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING checked_at, alert)
       SELECT checked_at, alert FROM met UNION ALL SELECT checked_at, alert FROM retraining_checks WHERE model_id = $1`,
      [modelId, new Date(nowMs)],
    );
    return { checkedAtMs: rows[0]!.checked_at.getTime(), alert: rows[0]!.alert };
  }

  /** @param alert the one that was looked at: another one that came in since stays */
  async checked(modelId: number, atMs: number, alert: string | null): Promise<void> {
    await this.pool.query(
      'UPDATE retraining_checks SET checked_at = $2, alert = CASE WHEN alert = $3 THEN NULL ELSE alert END WHERE model_id = $1',
      [modelId, new Date(atMs), alert],
    );
  }

  /** An alert asks for a check. A model that is not known has none. */
  async alerted(model: string, alert: string, nowMs: number): Promise<void> {
    await this.pool.query(
      `INSERT INTO retraining_checks (model_id, checked_at, alert) SELECT id, $3, $2 FROM models WHERE name = $1
       ON CONFLICT (model_id) DO UPDATE SET alert = excluded.alert`,
      [model, alert, new Date(nowMs)],
    );
  }
}
