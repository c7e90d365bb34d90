import type { Pool, QueryResult } from 'pg';
import type { Job, RegistryEntry, RegistryStage, TrainingResult } from '../domain/retraining.ts';
import { asServiceError } from './database-errors.ts';

interface Fenced extends Job {
  readonly fence: number;
}

/** Every version that a job brought forth, and which of them is in charge. */
export class ModelRegistry {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /** Newest first. */
  async list(model: string): Promise<readonly RegistryEntry[]> {
    const { rows } = await this.query<RegistryRow>(
      `SELECT r.version, r.job_id, r.uri, r.sha256, r.framework, r.stage, r.metrics, r.trained_at, r.promoted_at
       FROM model_registry r JOIN models m ON m.id = r.model_id WHERE m.name = $1 ORDER BY r.id DESC`,
      [model],
    );
    return rows.map(toEntry);
  }

  async champion(model: string): Promise<RegistryEntry | null> {
    return (await this.list(model)).find(({ stage }) => stage === 'champion') ?? null;
  }

  async artefact(model: string, version: string): Promise<Buffer | null> {
    const { rows } = await this.query<{ artefact: Buffer | null }>(
      'SELECT r.artefact FROM model_registry r JOIN models m ON m.id = r.model_id WHERE m.name = $1 AND r.version = $2',
      [model, version],
    );
    return rows[0]?.artefact ?? null;
  }

  /**
   * Registers the candidate of a job; again by the same job: replaces it (a second attempt). false: the version belongs to another job, or
   * has predictions already, or the job is no longer the caller's.
   */
  async register(
    job: Fenced,
    { candidate, metrics }: TrainingResult,
    artefact: Buffer | null,
    nowMs: number,
  ): Promise<boolean> {
    const { rows } = await this.query(
      `INSERT INTO model_registry AS r (model_id, version, job_id, uri, sha256, framework, metrics, artefact, stage, trained_at)
       SELECT model_id, $3, id, $4, $5, $6, $7, $8, 'candidate', $9 FROM retraining_jobs j
       WHERE id = $1 AND fence = $2 AND NOT EXISTS (SELECT FROM model_versions v WHERE v.model_id = j.model_id AND v.version = $3)
       ON CONFLICT (model_id, version) DO UPDATE SET uri = excluded.uri, sha256 = excluded.sha256, framework = excluded.framework,
         metrics = excluded.metrics, artefact = excluded.artefact, trained_at = excluded.trained_at
         WHERE r.job_id = excluded.job_id
       RETURNING 1`,
      [
        job.id,
        job.fence,
        candidate.version,
        candidate.uri,
        candidate.sha256,
        candidate.framework,
        JSON.stringify(metrics),
        artefact,
        new Date(nowMs),
      ],
    );
    return rows.length === 1;
  }

  /** Where the candidate of a job stands now. A new champion retires the one before it in the same statement. Idempotent. */
  async place(job: Fenced, stage: RegistryStage, nowMs: number): Promise<void> {
    const version = job.facts.training?.candidate.version;
    if (version === undefined) return;
    await this.query(
      `WITH mine AS (SELECT id, model_id FROM retraining_jobs WHERE id = $1 AND fence = $2), retired AS (
         UPDATE model_registry r SET stage = 'retired' FROM mine
         WHERE $4 = 'champion' AND r.model_id = mine.model_id AND r.stage = 'champion' AND r.version <> $3
       )
       UPDATE model_registry r SET stage = $4, promoted_at = CASE WHEN $4 = 'champion' THEN $5 ELSE r.promoted_at END
       FROM mine WHERE r.model_id = mine.model_id AND r.version = $3 AND r.stage <> $4`,
      [job.id, job.fence, version, stage, new Date(nowMs)],
    );
  }

  /** A rollback after the promotion: the champion of before is in charge again, where it came from a job. */
  async reinstate(job: Fenced, nowMs: number): Promise<void> {
    await this.place(job, 'rolled_back', nowMs);
    await this.query(
      `UPDATE model_registry r SET stage = 'champion' FROM retraining_jobs j
       WHERE j.id = $1 AND j.fence = $2 AND r.model_id = j.model_id AND r.version = $3 AND r.stage = 'retired'`,
      [job.id, job.fence, job.champion.version],
    );
  }

  private async query<Row extends object>(text: string, values: readonly unknown[]): Promise<QueryResult<Row>> {
    try {
      return await this.pool.query<Row>(text, [...values]);
    } catch (error) {
      throw asServiceError(error);
    }
  }
}

interface RegistryRow {
  readonly version: string;
  readonly job_id: string;
  readonly uri: string;
  readonly sha256: string | null;
  readonly framework: string | null;
  readonly stage: RegistryStage;
  readonly metrics: Readonly<Record<string, number>>;
  readonly trained_at: Date;
  readonly promoted_at: Date | null;
}

function toEntry(row: RegistryRow): RegistryEntry {
  return {
    version: row.version,
    jobId: row.job_id,
    uri: row.uri,
    sha256: row.sha256,
    framework: row.framework,
    stage: row.stage,
    metrics: row.metrics,
    trainedAtMs: row.trained_at.getTime(),
    promotedAtMs: row.promoted_at?.getTime() ?? NaN,
  };
}
