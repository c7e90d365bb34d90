import type { Pool, PoolClient } from 'pg';
import type { BusinessMetricsReply, BusinessValue, BusinessWeek } from '../domain/business-metric.ts';
import type { RowError } from '../domain/row-error.ts';
import { throwServiceError } from './database-errors.ts';
import { transaction } from './pool.ts';

/** A name is for ever, and in every report: beyond these it is a mistake of the sender. */
const MAX_NAMES = 100;

/** Business figures of models. A value is known by its figure and time: sent twice it is there once, sent anew it is corrected. */
export class BusinessMetricStore {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /** Rejects with ServiceError unavailable. Of values for the same time the last one counts. */
  async append(values: readonly BusinessValue[]): Promise<Omit<BusinessMetricsReply, 'rejected'>> {
    if (values.length === 0) return { accepted: 0, updated: 0, duplicates: 0, errors: [] };
    return transaction(
      this.pool,
      async (client) => {
        const known = await lockModels(client, [...new Set(values.map(({ model }) => model))]);
        const errors: RowError[] = [];
        const last = new Map<string, { modelId: number; name: string; atMs: number; value: number }>();
        let [updated, duplicates] = [0, 0];
        for (const { index, model, name, atMs, value } of values) {
          const of = known.get(model);
          const fault = faultOf(of?.names, model, name);
          if (of === undefined || fault !== null) {
            errors.push({ index, ...fault! });
            continue;
          }
          of.names.add(name);
          const key = JSON.stringify([of.id, name, atMs]);
          const before = last.get(key);
          if (before !== undefined && before.value === value) duplicates++;
          else if (before !== undefined) updated++;
          last.set(key, { modelId: of.id, name, atMs, value });
        }
        const rows = [...last.values()];
        await client.query(
          `INSERT INTO business_metrics (model_id, name) SELECT DISTINCT * FROM unnest($1::int[], $2::text[])
           ON CONFLICT (model_id, name) DO NOTHING`,
          [rows.map(({ modelId }) => modelId), rows.map(({ name }) => name)],
        );
        // xmax is 0 for a row that was inserted; one that was equal is not returned.
        const { rows: written } = await client.query<{ fresh: boolean }>(
          `INSERT INTO business_values AS v (metric_id, at, value)
           SELECT b.id, u.at, u.value FROM unnest($1::int[], $2::text[], $3::timestamptz[], $4::float8[]) AS u (model_id, name, at, value)
           JOIN business_metrics b ON b.model_id = u.model_id AND b.name = u.name
           ON CONFLICT (metric_id, at) DO UPDATE SET value = excluded.value WHERE v.value <> excluded.value
           RETURNING xmax = 0 AS fresh`,
          [
            rows.map(({ modelId }) => modelId),
            rows.map(({ name }) => name),
            rows.map(({ atMs }) => new Date(atMs)),
            rows.map(({ value }) => value),
          ],
        );
        const accepted = written.filter(({ fresh }) => fresh).length;
        return {
          accepted,
          updated: updated + written.length - accepted,
          duplicates: duplicates + rows.length - written.length,
          errors,
        };
      },
      { attempts: 3 },
    ).catch(throwServiceError);
  }

  /** Mean and number of the values of each figure by week, for weeks that begin in [fromMs, toMs). Primary key of business_values. */
  async weeks(model: string, fromMs: number, toMs: number): Promise<readonly BusinessWeek[]> {
    const { rows } = await this.pool
      .query<{ name: string; week: Date; mean: number; count: number }>(
        `SELECT b.name, date_bin('7 days', v.at, timestamptz '1969-12-29 00:00:00+00') AS week, avg(v.value) AS mean, count(*)::int AS count
         FROM models m JOIN business_metrics b ON b.model_id = m.id JOIN business_values v ON v.metric_id = b.id
         WHERE m.name = $1 AND v.at >= $2 AND v.at < $3 GROUP BY 1, 2 ORDER BY 1, 2`,
        [model, new Date(fromMs), new Date(toMs)],
      )
      .catch(throwServiceError);
    return rows.map(({ name, week, mean, count }) => ({ name, weekMs: week.getTime(), mean, values: count }));
  }
}

interface KnownModel {
  readonly id: number;
  /** Of its figures. */
  readonly names: Set<string>;
}

/** In one order, so that concurrent senders do not deadlock; names are read under the lock, so that they do not pass the cap together. */
async function lockModels(client: PoolClient, models: readonly string[]): Promise<ReadonlyMap<string, KnownModel>> {
  const { rows } = await client.query<{ id: number; name: string }>(
    'SELECT id, name FROM models WHERE name = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE',
    [models],
  );
  const { rows: metrics } = await client.query<{ model_id: number; name: string }>(
    'SELECT model_id, name FROM business_metrics WHERE model_id = ANY ($1::int[])',
    [rows.map(({ id }) => id)],
  );
  const namesOf = (model: number) => metrics.filter((one) => one.model_id === model).map(({ name }) => name);
  return new Map(rows.map(({ id, name }) => [name, { id, names: new Set(namesOf(id)) }]));
}

function faultOf(
  names: ReadonlySet<string> | undefined,
  model: string,
  name: string,
): { readonly pointer: string; readonly detail: string } | null {
  if (names === undefined) return { pointer: '/model', detail: `there is no model ${JSON.stringify(model)}` };
  if (names.has(name) || names.size < MAX_NAMES) return null;
  return { pointer: '/name', detail: `the model has ${MAX_NAMES} business metrics already` };
}
