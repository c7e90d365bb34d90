import type { Pool, PoolClient } from 'pg';
import { DAY_MS } from '../histogram/time-bucket.ts';
import { existingDays } from './partitions.ts';
import { PATIENT, transaction } from './pool.ts';

/** A stored prediction with its ground truth, by names. */
export interface RawRow {
  readonly model: string;
  readonly version: string;
  readonly predictionId: string;
  readonly time: Date;
  readonly prediction: number | null;
  readonly className: string | null;
  readonly score: number | null;
  /** By class. */
  readonly scores: Readonly<Record<string, number | null>> | null;
  readonly latencyMs: number | null;
  readonly error: string | null;
  readonly segment: unknown;
  /** null: not kept (see raw_sample), or none were sent. */
  readonly features: Readonly<Record<string, number | string | null>> | null;
  readonly labelClass: string | null;
  readonly labelValue: number | null;
  readonly labelTime: Date | null;
}

export interface RawRange {
  readonly fromMs: number;
  readonly toMs: number;
  /** null: all. */
  readonly model: string | null;
}

const FETCH_ROWS = 2_000;

/**
 * All stored predictions of the range, day by day, each day of one moment: a snapshot of everything would keep retention waiting. Waits
 * for `onRows` before it reads more.
 */
export async function readRawRows(
  pool: Pool,
  range: RawRange,
  onRows: (rows: readonly RawRow[]) => Promise<void>,
): Promise<void> {
  for (const day of await existingDays(pool, 'predictions')) {
    const [from, to] = [Math.max(day, range.fromMs), Math.min(day + DAY_MS, range.toMs)];
    if (from < to)
      await transaction(pool, (client) => readDay(client, from, to, range.model, onRows), {
        isolation: 'repeatable read',
        readOnly: true,
      });
  }
}

async function readDay(
  client: PoolClient,
  fromMs: number,
  toMs: number,
  model: string | null,
  onRows: (rows: readonly RawRow[]) => Promise<void>,
): Promise<void> {
  await client.query('SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0');
  const names = await readNames(client);
  // Of one model by the leaf's (model_id, ts), of all by the leaf from end to end; labels by their primary key.
  await client.query(
    `DECLARE raw NO SCROLL CURSOR FOR
     SELECT m.name AS model, m.classes, v.version, p.feature_set_id AS set, coalesce(p.pid_text, p.pid::text) AS id, p.ts, p.prediction, p.class, p.score,
       p.scores, p.latency_ms, p.error_type, p.segment, to_json(p.num) AS num, to_json(p.cat) AS cat, g.label, g.value, g.label_ts
     FROM predictions p JOIN models m ON m.id = p.model_id JOIN model_versions v ON v.id = p.version_id
     LEFT JOIN ground_truth g ON g.pid = p.pid AND g.model_id = p.model_id AND g.prediction_ts = p.ts
     WHERE p.ts >= $1 AND p.ts < $2 AND ($3::text IS NULL OR p.model_id = (SELECT id FROM models WHERE name = $3))`,
    [new Date(fromMs), new Date(toMs), model],
  );
  for (;;) {
    const { rows } = await client.query<StoredRow>({ text: `FETCH ${FETCH_ROWS} FROM raw`, ...PATIENT });
    if (rows.length === 0) return;
    await onRows(rows.map((row) => toRow(row, names.get(row.set))));
  }
}

interface FeatureNames {
  readonly numeric: readonly string[];
  readonly categorical: readonly string[];
}

interface StoredRow {
  readonly model: string;
  readonly classes: readonly string[];
  readonly version: string;
  readonly set: number;
  readonly id: string;
  readonly ts: Date;
  readonly prediction: number | null;
  readonly class: string | null;
  readonly score: number | null;
  readonly scores: readonly (number | null)[] | null;
  readonly latency_ms: number | null;
  readonly error_type: string | null;
  readonly segment: unknown;
  readonly num: readonly (number | string | null)[];
  readonly cat: readonly (string | null)[];
  readonly label: string | null;
  readonly value: number | null;
  readonly label_ts: Date | null;
}

async function readNames(client: PoolClient): Promise<ReadonlyMap<number, FeatureNames>> {
  const { rows } = await client.query<{ id: number; num_names: string[]; cat_names: string[] }>(
    'SELECT id, num_names, cat_names FROM feature_sets',
  );
  return new Map(rows.map(({ id, num_names: numeric, cat_names: categorical }) => [id, { numeric, categorical }]));
}

function toRow(row: StoredRow, names: FeatureNames | undefined): RawRow {
  // fromEntries makes a feature named __proto__ a feature.
  const features = Object.fromEntries([
    ...(names?.numeric ?? []).map((name, i) => [name, row.num[i] ?? null] as const),
    ...(names?.categorical ?? []).map((name, i) => [name, row.cat[i] ?? null] as const),
  ]);
  return {
    model: row.model,
    version: row.version,
    predictionId: row.id,
    time: row.ts,
    prediction: row.prediction,
    className: row.class,
    score: row.score,
    scores:
      row.scores === null
        ? null
        : Object.fromEntries(row.scores.map((score, code) => [row.classes[code] ?? `class ${code}`, score])),
    latencyMs: row.latency_ms,
    error: row.error_type,
    segment: row.segment,
    features: row.num.length + row.cat.length === 0 ? null : features,
    labelClass: row.label,
    labelValue: row.value,
    labelTime: row.label_ts,
  };
}
