import type { Pool } from 'pg';
import type { VersionTraffic } from '../domain/retraining.ts';

export interface TrafficQuestion {
  readonly modelId: number;
  readonly champion: string;
  readonly candidate: string;
  readonly task: 'binary' | 'multiclass' | 'regression';
  readonly positiveClass: string | null;
  readonly fromMs: number;
  /** Exclusive; Infinity: no end. */
  readonly toMs: number;
  readonly maxLatencyRatio: number;
}

export interface TrafficOfBoth {
  readonly champion: VersionTraffic;
  readonly candidate: VersionTraffic;
  readonly slow: { readonly beyond: number; readonly of: number } | null;
  readonly scores: { readonly champion: readonly number[]; readonly candidate: readonly number[] };
}

/** Of each version the newest so many predictions are looked at: more say nothing more. */
const LOOKED_AT = 200_000;
const SCORES = 5_000;

/** What two versions of a model did at the same time, from the raw rows. Index (model_id, ts) of the days in question. */
export async function trafficOfBoth(pool: Pool, question: TrafficQuestion): Promise<TrafficOfBoth> {
  const champion = await trafficOf(pool, question, question.champion);
  const candidate = await trafficOf(pool, question, question.candidate);
  const limitMs = champion.p95LatencyMs === null ? null : champion.p95LatencyMs * question.maxLatencyRatio;
  return {
    champion,
    candidate,
    slow: limitMs === null ? null : await slowAnswers(pool, question, limitMs),
    scores: {
      champion: await newestScores(pool, question, question.champion),
      candidate: await newestScores(pool, question, question.candidate),
    },
  };
}

/** Rows of one version, newest first: $1 model, $2 version, $3 from, $4 to. */
const ROWS = `FROM predictions p JOIN model_versions v ON v.id = p.version_id
  WHERE p.model_id = $1 AND v.model_id = $1 AND v.version = $2 AND p.ts >= $3 AND p.ts < $4`;

async function trafficOf(pool: Pool, question: TrafficQuestion, version: string): Promise<VersionTraffic> {
  const { rows } = await pool.query<VersionTraffic>(
    `WITH rows AS (SELECT p.* ${ROWS} ORDER BY p.ts DESC LIMIT ${LOOKED_AT}), answered AS (
       SELECT r.error_type, r.latency_ms, r.score, CASE
         WHEN g.pid IS NULL OR r.error_type IS NOT NULL THEN NULL
         WHEN $5 = 'regression' THEN abs(g.value - r.prediction)
         WHEN $5 = 'binary' AND r.score IS NOT NULL
           THEN -ln(greatest(CASE WHEN g.label = $6 THEN r.score ELSE 1 - r.score END, 1e-9))
         WHEN $5 = 'binary' THEN NULL
         ELSE (r.class IS DISTINCT FROM g.label)::int END AS loss
       FROM rows r LEFT JOIN ground_truth g ON g.pid = r.pid AND g.model_id = r.model_id AND g.prediction_ts = r.ts
     )
     SELECT count(*)::int AS predictions, count(error_type)::int AS errors,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) AS "p95LatencyMs", avg(score) AS "meanScore",
       count(loss)::int AS labelled, avg(loss) AS "meanLoss", var_samp(loss) AS "lossVariance" FROM answered`,
    [...places(question, version), question.task, question.positiveClass],
  );
  return rows[0]!;
}

async function slowAnswers(pool: Pool, question: TrafficQuestion, limitMs: number): Promise<TrafficOfBoth['slow']> {
  const { rows } = await pool.query<{ beyond: number; of: number }>(
    `SELECT count(*) FILTER (WHERE latency_ms > $5)::int AS beyond, count(latency_ms)::int AS of
     FROM (SELECT p.latency_ms ${ROWS} ORDER BY p.ts DESC LIMIT ${LOOKED_AT}) newest`,
    [...places(question, question.candidate), limitMs],
  );
  return rows[0] ?? null;
}

async function newestScores(pool: Pool, question: TrafficQuestion, version: string): Promise<readonly number[]> {
  const { rows } = await pool.query<{ score: number }>(
    `SELECT p.score ${ROWS} AND p.score IS NOT NULL ORDER BY p.ts DESC LIMIT ${SCORES}`,
    places(question, version),
  );
  return rows.map(({ score }) => score);
}

function places({ modelId, fromMs, toMs }: TrafficQuestion, version: string): unknown[] {
  return [modelId, version, new Date(fromMs), Number.isFinite(toMs) ? new Date(toMs) : 'infinity'];
}
