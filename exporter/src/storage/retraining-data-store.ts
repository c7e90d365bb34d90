import type { Pool, PoolClient } from 'pg';
import { asServiceError } from './database-errors.ts';
import { transaction } from './pool.ts';

/** Labelled predictions of a model, of all its versions. */
export interface LabelledRange {
  readonly modelId: number;
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

export interface RangeSurvey {
  readonly rows: number;
  /** All predictions of the range whose features were kept, labelled or not. */
  readonly predictions: number;
  /** Of the oldest row that counts. */
  readonly fromMs: number;
  /** Times below which the asked shares of the rows lie. */
  readonly cutsMs: readonly number[];
}

export interface LabelledRow {
  readonly id: string;
  readonly timeMs: number;
  readonly version: string;
  readonly features: Readonly<Record<string, number | string | null>>;
  /** null: not a class. */
  readonly labelClass: string | null;
  readonly labelValue: number | null;
  readonly predictedClass: string | null;
  readonly predictedValue: number | null;
  readonly score: number | null;
  /** Probability that was given to the class that came true; null without scores by class. */
  readonly likelihood: number | null;
}

export type SnapshotPart = 'train' | 'test' | 'holdout' | 'truth' | 'predictions';

const FETCH_ROWS = 2_000;
/** A survey sorts the times of all labelled rows of the range. */
const SLOW_STATEMENT_MS = 300_000;

/** Rows that a model can learn from: it answered, the truth is known, and the features were kept. Indexes (model_id, ts) and the primary key. */
const LABELLED = `FROM predictions p
  JOIN ground_truth g ON g.pid = p.pid AND g.model_id = p.model_id AND g.prediction_ts = p.ts
  WHERE p.model_id = $1 AND p.ts >= $2 AND p.ts < $3 AND p.error_type IS NULL
    AND cardinality(p.num) + cardinality(p.cat) > 0 AND (g.label IS NOT NULL OR g.value IS NOT NULL)`;

/** Labelled predictions, and snapshots of them that belong to a job. */
export class RetrainingDataStore {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /** Labelled predictions at or after a moment, counted up to `limit`. Index ground_truth_by_prediction_time. */
  async newLabels(model: string, sinceMs: number, limit: number): Promise<number> {
    try {
      const { rows } = await this.pool.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM (
           SELECT FROM ground_truth g JOIN models m ON m.id = g.model_id WHERE m.name = $1 AND g.prediction_ts >= $2 LIMIT $3) newer`,
        [model, new Date(Number.isFinite(sinceMs) ? sinceMs : 0), limit],
      );
      return rows[0]!.count;
    } catch (error) {
      throw asServiceError(error);
    }
  }

  /** How many rows there are, at most the newest `maxRows`, and where in time the given shares of them end. */
  async survey(
    { modelId, fromMs, toMs }: LabelledRange,
    maxRows: number,
    shares: readonly number[],
  ): Promise<RangeSurvey> {
    return transaction(
      this.pool,
      async (client) => {
        await client.query(`SET LOCAL statement_timeout = ${SLOW_STATEMENT_MS}`);
        const { rows } = await client.query<{ rows: number; from: Date | null; cuts: Date[] | null }>(
          `WITH labelled AS (SELECT p.ts ${LABELLED} ORDER BY p.ts DESC LIMIT $4)
           SELECT count(*)::int AS rows, min(ts) AS "from", percentile_disc($5::float8[]) WITHIN GROUP (ORDER BY ts) AS cuts FROM labelled`,
          [modelId, new Date(fromMs), new Date(toMs), maxRows, shares],
        );
        const { rows: labelled, from, cuts } = rows[0]!;
        const surveyedFromMs = from?.getTime() ?? fromMs;
        const all = await client.query<{ count: number }>(
          'SELECT count(*)::int AS count FROM predictions WHERE model_id = $1 AND ts >= $2 AND ts < $3 AND cardinality(num) + cardinality(cat) > 0',
          [modelId, new Date(surveyedFromMs), new Date(toMs)],
        );
        return {
          rows: labelled,
          predictions: all.rows[0]!.count,
          fromMs: surveyedFromMs,
          cutsMs: (cuts ?? []).map((cut) => cut.getTime()),
        };
      },
      { readOnly: true },
    );
  }

  /** All labelled rows of the range in the order of their time, in one snapshot; waits for `onRows` before it fetches more. */
  async readLabelled(
    { modelId, fromMs, toMs }: LabelledRange,
    onRows: (rows: readonly LabelledRow[]) => Promise<void>,
  ): Promise<void> {
    await transaction(
      this.pool,
      async (client) => {
        await client.query(`SET LOCAL statement_timeout = ${SLOW_STATEMENT_MS}`);
        await client.query(`SET LOCAL idle_in_transaction_session_timeout = ${SLOW_STATEMENT_MS}`);
        const sets = await readFeatureSets(client, modelId);
        await client.query(
          `DECLARE labelled NO SCROLL CURSOR FOR
           SELECT p.feature_set_id, coalesce(p.pid_text, p.pid::text) AS id, extract(epoch FROM p.ts)::float8 * 1000 AS "timeMs",
             to_json(p.num) AS num, to_json(p.cat) AS cat, g.label AS "labelClass", g.value AS "labelValue",
             p.class AS "predictedClass", p.prediction AS "predictedValue", p.score,
             p.scores[array_position((SELECT classes FROM models WHERE id = $1), g.label)] AS likelihood
           ${LABELLED} ORDER BY p.ts, p.pid`,
          [modelId, new Date(fromMs), new Date(toMs)],
        );
        for (;;) {
          const { rows } = await client.query<StoredRow>(`FETCH ${FETCH_ROWS} FROM labelled`);
          if (rows.length === 0) return;
          await onRows(rows.map((row) => toRow(row, sets.get(row.feature_set_id)!)));
        }
      },
      { isolation: 'repeatable read', readOnly: true },
    );
  }

  /** Drops a part of the job's snapshot, or all of it. Like every write here it needs the job's fence: a stale worker changes nothing. */
  async clear(job: FencedJob, part: SnapshotPart | null): Promise<void> {
    await this.pool.query(
      `DELETE FROM retraining_data d USING retraining_jobs j
       WHERE j.id = $1 AND j.fence = $2 AND d.job_id = j.id AND ($3::text IS NULL OR d.part = $3)`,
      [job.id, job.fence, part],
    );
  }

  async append(job: FencedJob, part: SnapshotPart, piece: number, bytes: Buffer): Promise<void> {
    const { rowCount } = await this.pool.query(
      'INSERT INTO retraining_data (job_id, part, piece, bytes) SELECT id, $3, $4, $5 FROM retraining_jobs WHERE id = $1 AND fence = $2',
      [job.id, job.fence, part, piece, bytes],
    );
    if (rowCount !== 1) throw new Error('the job was taken over while its data were prepared');
  }

  /** Predictions of the holdout, from outside; the first upload counts. false: there is one already, or the job does not want it. */
  async upload(jobId: string, bytes: Buffer): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      `WITH wanted AS (
         UPDATE retraining_jobs SET run_after = clock_timestamp(), wakes = wakes + 1
         WHERE id = $1 AND finished_at IS NULL AND state IN ('training', 'validating') RETURNING id
       )
       INSERT INTO retraining_data (job_id, part, piece, bytes) SELECT id, 'predictions', 0, $2 FROM wanted ON CONFLICT DO NOTHING`,
      [jobId, bytes],
    );
    return rowCount === 1;
  }

  async has(jobId: string, part: SnapshotPart): Promise<boolean> {
    const { rows } = await this.pool.query('SELECT FROM retraining_data WHERE job_id = $1 AND part = $2 LIMIT 1', [
      jobId,
      part,
    ]);
    return rows.length > 0;
  }

  /** The gzip of a part, piece by piece. Primary key. */
  async *read(jobId: string, part: SnapshotPart): AsyncGenerator<Buffer> {
    for (let piece = 0; ; piece++) {
      const { rows } = await this.pool.query<{ bytes: Buffer }>(
        'SELECT bytes FROM retraining_data WHERE job_id = $1 AND part = $2 AND piece = $3',
        [jobId, part, piece],
      );
      if (rows[0] === undefined) return;
      yield rows[0].bytes;
    }
  }
}

interface FencedJob {
  readonly id: string;
  readonly fence: number;
}

interface FeatureNames {
  readonly version: string;
  readonly numeric: readonly string[];
  readonly categorical: readonly string[];
}

interface StoredRow extends Omit<LabelledRow, 'version' | 'features'> {
  readonly feature_set_id: number;
  readonly num: readonly (number | null)[];
  readonly cat: readonly (string | null)[];
}

async function readFeatureSets(client: PoolClient, modelId: number): Promise<ReadonlyMap<number, FeatureNames>> {
  const { rows } = await client.query<{ id: number; version: string; num_names: string[]; cat_names: string[] }>(
    `SELECT f.id, v.version, f.num_names, f.cat_names FROM feature_sets f JOIN model_versions v ON v.id = f.version_id WHERE v.model_id = $1`,
    [modelId],
  );
  return new Map(
    rows.map((row) => [row.id, { version: row.version, numeric: row.num_names, categorical: row.cat_names }]),
  );
}

function toRow({ feature_set_id: _set, num, cat, ...row }: StoredRow, names: FeatureNames): LabelledRow {
  const features: Record<string, number | string | null> = {};
  names.numeric.forEach((name, i) => (features[name] = num[i] ?? null));
  names.categorical.forEach((name, i) => (features[name] = cat[i] ?? null));
  return { ...row, version: names.version, features };
}
