import type { Pool } from 'pg';
import { throwServiceError } from './database-errors.ts';

export interface AuditRecord {
  readonly atMs: number;
  readonly actor: string;
  readonly address: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

const PAGE_ROWS = 200;

/** What was done as admin, in order. */
export class AuditStore {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  async append({ atMs, actor, address, method, path, status }: AuditRecord): Promise<void> {
    await this.pool.query(
      'INSERT INTO audit_log (at, actor, address, method, path, status) VALUES ($1, $2, $3, $4, $5, $6)',
      [new Date(atMs), actor, address, method, path, status],
    );
  }

  /** The newest first, at most 200, done before `beforeMs` (Infinity: all). Index audit_log_by_time. */
  async before(beforeMs: number): Promise<readonly AuditRecord[]> {
    const { rows } = await this.pool
      .query<Omit<AuditRecord, 'atMs'> & { readonly at: Date }>(
        `SELECT at, actor, address, method, path, status FROM audit_log WHERE at < $1::timestamptz ORDER BY at DESC LIMIT ${PAGE_ROWS}`,
        [Number.isFinite(beforeMs) ? new Date(beforeMs) : 'infinity'],
      )
      .catch(throwServiceError);
    return rows.map(({ at, ...rest }) => ({ atMs: at.getTime(), ...rest }));
  }
}
