import type { Pool, PoolClient } from 'pg';
import { ServiceError } from '../domain/service-error.ts';
import { binBatch } from '../histogram/bin-batch.ts';
import { encodeLabelDelta, encodePredictionDelta } from '../histogram/delta-codec.ts';
import type { Catalog } from './catalog.ts';
import { asServiceError, EPOCH_CHANGED } from './database-errors.ts';
import { transaction } from './pool.ts';
import { readPredictions } from './prediction-reader.ts';
import { labelGroups } from './scheme-switch.ts';
import { errorCode } from './storage-error.ts';

const MAX_ATTEMPTS = 8;

interface Found {
  readonly version_id: number;
  /** As PostgreSQL writes it, to the microsecond. */
  readonly ts: string;
  readonly ms: string;
}

/** Erases single predictions: the row, its label, and what both added to the statistics, in one transaction. */
export class ErasureStore {
  private readonly pool: Pool;
  private readonly catalog: Catalog;

  constructor(pool: Pool, catalog: Catalog) {
    this.pool = pool;
    this.catalog = catalog;
  }

  /**
   * @param idKey 32 hexadecimal digits
   * @returns rows erased, predictions and labels; 0: there was nothing. Rejects with ServiceError not_found, unavailable.
   */
  async erase(model: string, idKey: string): Promise<number> {
    const modelId = this.catalog.versionsOf(model)[0]?.model.id;
    if (modelId === undefined) throw new ServiceError('not_found', `There is no model ${model}.`);
    for (let attempt = 1; ; attempt++) {
      try {
        return await transaction(this.pool, (client) => this.eraseIn(client, modelId, idKey), { attempts: 3 });
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || errorCode(error) !== EPOCH_CHANGED) throw asServiceError(error);
        await this.catalog.refresh();
      }
    }
  }

  private async eraseIn(client: PoolClient, modelId: number, idKey: string): Promise<number> {
    await client.query('SELECT assert_scheme_epoch($1)', [this.catalog.epoch()]);
    // Locks the id's label, whether there is one or not: no label can be joined while what it counts is taken out.
    const label = await client.query<{ inserted: boolean }>(
      `INSERT INTO ground_truth AS g (pid, model_id, label_ts, received_at) VALUES ($1::uuid, $2, clock_timestamp(), clock_timestamp())
       ON CONFLICT (pid, model_id) DO UPDATE SET received_at = g.received_at RETURNING (g.xmax = 0) AS inserted`,
      [idKey, modelId],
    );
    // UNIQUE (pid, model_id) of each leaf; + 0 for the same reason as when labels are joined.
    const { rows } = await client.query<Found>(
      `SELECT version_id, ts::text AS ts, round(extract(epoch FROM ts) * 1000) AS ms FROM predictions
       WHERE pid = $1::uuid AND model_id + 0 = $2 FOR UPDATE`,
      [idKey, modelId],
    );
    for (const found of rows) await this.uncount(client, found, idKey);
    // Those and no others: one of this id that was stored since then was not taken out of the counts, and stays.
    const predictions = await client.query(
      'DELETE FROM predictions WHERE pid = $1::uuid AND model_id + 0 = $2 AND ts = ANY ($3::timestamptz[])',
      [idKey, modelId, rows.map(({ ts }) => ts)],
    );
    await client.query('DELETE FROM ground_truth WHERE pid = $1::uuid AND model_id = $2', [idKey, modelId]);
    return (predictions.rowCount ?? 0) + (label.rows[0]?.inserted === false ? 1 : 0);
  }

  private async uncount(client: PoolClient, { version_id: versionId, ms }: Found, idKey: string): Promise<void> {
    const counting = await client.query('SELECT FROM recounts WHERE version_id = $1', [versionId]);
    if (counting.rows.length > 0)
      throw new ServiceError(
        'unavailable',
        'The predictions of this model are being counted again; retry a little later.',
        {
          retryAfterSeconds: 5,
        },
      );
    const timeMs = Number(ms);
    // Another replica may have registered features, classes or segments of the row.
    await this.catalog.learn(versionId, client);
    const target = await this.catalog.at(versionId, timeMs, client);
    if (target === undefined) throw new ServiceError('unavailable', 'The model is not known here yet; retry.');
    const range = { modelId: target.modelId, versionId, fromMs: timeMs, toMs: timeMs + 1, limit: Infinity };
    const payloads: Buffer[] = [];
    await readPredictions(client, range, target, ({ batch, labels }) => {
      const chosen = Uint8Array.from({ length: batch.rows }, (_, i) =>
        batch.ids.toString('hex', i * 16, i * 16 + 16) === idKey ? 1 : 0,
      );
      if (!chosen.includes(1)) return;
      payloads.push(encodePredictionDelta([binBatch(batch)], [chosen]));
      const only = labels.map((label, i) => (chosen[i] === 1 ? label : null));
      const groups = labelGroups({ batch, labels: only }, target).map((group) => ({
        ...group,
        change: 'removed' as const,
      }));
      if (groups.length > 0) payloads.push(encodeLabelDelta({ groups, unmatched: new Map() }));
    });
    for (const payload of payloads)
      await client.query('INSERT INTO statistics_delta (erased, payload) VALUES (true, $1)', [payload]);
  }
}
