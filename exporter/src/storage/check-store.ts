import type { Pool } from 'pg';

/** When the triggers of each model were last looked at. */
export class CheckStore {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /** A model that is met for the first time counts as looked at now: its first check is the next one. */
  async lastCheckedMs(modelId: number, nowMs: number): Promise<number> {
    const { rows } = await this.pool.query<{ checked_at: Date }>(
      `WITH met AS (INSERT INTO retraining_checks (model_id, checked_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING checked_at)
       SELECT checked_at FROM met UNION ALL SELECT checked_at FROM retraining_checks WHERE model_id = $1`,
      [modelId, new Date(nowMs)],
    );
    return rows[0]!.checked_at.getTime();
  }

  async checked(modelId: number, atMs: number): Promise<void> {
    await this.pool.query('UPDATE retraining_checks SET checked_at = $2 WHERE model_id = $1', [
      modelId,
      new Date(atMs),
    ]);
  }
}
