import type { Pool } from 'pg';
import type { CheckState, Severity } from '../domain/health.ts';
import type { HealthPoint, HistoryQuery } from '../domain/health-history.ts';
import { CHECK_NAMES } from '../domain/settings.ts';
import type { CheckName } from '../domain/settings.ts';
import { addBucketOutcomes } from '../histogram/bucket-codec.ts';
import { WHOLE } from '../histogram/segments.ts';
import { DAY_MINUTES, MINUTE_MS } from '../histogram/time-bucket.ts';
import { Traffic } from '../histogram/traffic.ts';
import { throwServiceError } from './database-errors.ts';

interface StoredPoint {
  readonly model: string;
  readonly version: string;
  readonly at: Date;
  readonly score: number | null;
  readonly severity: Severity;
  readonly checks: readonly (string | null)[];
}

const CHECK_COLUMNS = CHECK_NAMES.flatMap((check) =>
  ['state', 'score'].map((field) => `e.report #>> '{checks,${check},${field}}'`),
).join(', ');
/** Buckets read at once. */
const BUCKETS = 20_000;

/** What is kept of the past: evaluations, and how many predictions there were. */
export class HistoryStore {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /** In order of time; of a version the last evaluation of each step. */
  async health({ model, version, fromMs, toMs, stepMs, limit, after }: HistoryQuery): Promise<readonly HealthPoint[]> {
    // Index (model_id, evaluated_at) of each daily leaf within the bounds; without a model all rows of those leaves.
    const { rows } = await this.pool
      .query<StoredPoint>(
        `SELECT * FROM (
           SELECT DISTINCT ON (e.version_id, date_bin($3 * interval '1 millisecond', e.evaluated_at, 'epoch'))
                  m.name AS model, v.version, e.evaluated_at AS at, e.health_score AS score, e.severity, ARRAY[${CHECK_COLUMNS}] AS checks
           FROM evaluations e JOIN models m ON m.id = e.model_id JOIN model_versions v ON v.id = e.version_id
           WHERE e.evaluated_at >= $1 AND e.evaluated_at < $2
             AND ($4::text IS NULL OR e.model_id = (SELECT id FROM models WHERE name = $4)) AND ($5::text IS NULL OR v.version = $5)
           ORDER BY e.version_id, date_bin($3 * interval '1 millisecond', e.evaluated_at, 'epoch'), e.evaluated_at DESC
         ) AS steps
         WHERE $6::timestamptz IS NULL OR (at, model, version) > ($6, $7::text, $8::text)
         ORDER BY at, model, version LIMIT $9`,
        [
          new Date(fromMs),
          new Date(toMs),
          stepMs,
          model ?? null,
          version ?? null,
          after === null ? null : new Date(after.evaluatedAtMs),
          after?.model ?? '',
          after?.version ?? '',
          limit,
        ],
      )
      .catch(throwServiceError);
    return rows.map(toPoint);
  }

  /**
   * Predictions by model in [from, to), to the minute, and to the hour where hours were merged to days; those of the last minute may be
   * missing, for they are not folded yet.
   *
   * @param only undefined: of all models
   */
  async predictions(fromMs: number, toMs: number, only?: string): Promise<ReadonlyMap<string, number>> {
    const [from, to] = [Math.floor(fromMs / MINUTE_MS), Math.ceil(toMs / MINUTE_MS)];
    const counts = new Map<string, number>();
    for (let offset = 0; ; offset += BUCKETS) {
      // Index statistics_bucket_by_time; of one model the primary key. What a newer scheme has counted again is counted there.
      const { rows } = await this.pool
        .query<{ model: string; start: number; payload: Buffer; until: number | null }>(
          `WITH schemes AS (
             SELECT id, extract(epoch FROM min(counted_from) OVER (
               PARTITION BY version_id ORDER BY id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))::float8 / 60 AS until
             FROM bin_schemes)
           SELECT m.name AS model, b.bucket_start AS start, b.payload, s.until
           FROM statistics_bucket b JOIN model_versions v ON v.id = b.version_id JOIN models m ON m.id = v.model_id
           JOIN schemes s ON s.id = b.scheme_id
           WHERE b.segment_id = ${WHOLE} AND b.bucket_start >= $1 - ${DAY_MINUTES} AND b.bucket_start < $2
             AND ($5::text IS NULL OR b.version_id IN (SELECT o.id FROM model_versions o JOIN models n ON n.id = o.model_id WHERE n.name = $5))
           ORDER BY b.bucket_start, b.version_id, b.scheme_id, b.bucket_minutes LIMIT $3 OFFSET $4`,
          [from, to, BUCKETS, offset, only ?? null],
        )
        .catch(throwServiceError);
      for (const { model, start, payload, until } of rows) {
        const traffic = new Traffic();
        addBucketOutcomes(payload, start, { from, to: Math.min(to, Math.floor(until ?? to)) }, traffic, null);
        counts.set(model, (counts.get(model) ?? 0) + traffic.rows);
      }
      if (rows.length < BUCKETS) return counts;
    }
  }
}

function toPoint({ model, version, at, score, severity, checks }: StoredPoint): HealthPoint {
  const ofChecks = CHECK_NAMES.map((check, i): [CheckName, { state: CheckState; score: number }] => [
    check,
    {
      state: (checks[2 * i] ?? 'insufficient_data') as CheckState,
      score: checks[2 * i + 1] == null ? NaN : Number(checks[2 * i + 1]),
    },
  ]);
  return {
    model,
    version,
    evaluatedAtMs: at.getTime(),
    score: score ?? NaN,
    severity,
    checks: Object.fromEntries(ofChecks) as HealthPoint['checks'],
  };
}
