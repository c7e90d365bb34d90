import type { Pool, PoolClient } from 'pg';
import { ServiceError } from '../domain/service-error.ts';
import { binBatch } from '../histogram/bin-batch.ts';
import { countLabel } from '../histogram/count-label.ts';
import { outcomeOf } from '../histogram/count-rows.ts';
import type { Counting } from '../histogram/counting.ts';
import { encodeLabelDelta, encodePredictionDelta } from '../histogram/delta-codec.ts';
import type { PerformanceGroup } from '../histogram/delta-codec.ts';
import type { BinScheme } from '../histogram/model-columns.ts';
import type { ModelTarget } from '../histogram/model-target.ts';
import { PerformanceCounts } from '../histogram/performance-counts.ts';
import { segmentIdsOf, WHOLE } from '../histogram/segments.ts';
import { bucketStart, HOUR_MS } from '../histogram/time-bucket.ts';
import type { Catalog } from './catalog.ts';
import { asServiceError } from './database-errors.ts';
import { transaction, withClient } from './pool.ts';
import { readPredictions } from './prediction-reader.ts';
import type { LabelledBatch } from './prediction-reader.ts';
import { insertScheme } from './scheme-store.ts';
import { unregisteredSegments } from './segment-dictionary.ts';

/** Advisory locks: 20611 guards the epoch (see assert_scheme_epoch), 20612 says that a recount is under way. */
const EPOCH_LOCK = 'SELECT pg_advisory_xact_lock(20611, 1)';

/** How far back from now the windows of a version reach, epoch milliseconds; asked once for many versions. */
export type WindowStarts = () => (versionId: number) => number;

interface NewScheme {
  readonly bins: Omit<BinScheme, 'id'>;
  readonly counting: Counting;
  /** The scheme that it must find in force; null: whichever. */
  readonly replaces: number | null;
}
/** What else becomes true in the moment of the switch. */
type Also = (client: PoolClient, schemeId: number) => Promise<unknown>;

/**
 * The switch from one bin scheme to another while intake goes on. It takes the epoch's lock exclusively, so that no
 * statistics-writing transaction is under way; opens a snapshot in a second session; makes the new scheme current under a new epoch;
 * lets go; and counts exactly the rows of that snapshot again under the new scheme. Rows that come later are counted under the new scheme
 * by their own commits. So nothing is lost and nothing is counted twice.
 */
export class SchemeSwitch {
  private readonly pool: Pool;
  private readonly catalog: Catalog;
  private readonly windowStarts: WindowStarts;

  constructor(pool: Pool, catalog: Catalog, windowStarts: WindowStarts) {
    this.pool = pool;
    this.catalog = catalog;
    this.windowStarts = windowStarts;
  }

  /** Resolves when the stored window is counted under the new scheme. */
  async to(versionId: number, scheme: NewScheme, also: Also): Promise<void> {
    try {
      await withClient(this.pool, async (reader) => {
        await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
        try {
          const schemeId = await this.makeCurrent(reader, versionId, scheme, also);
          await this.catalog.refresh();
          // With all that other replicas registered of the rows.
          await this.catalog.learn(versionId);
          await this.recount(reader, versionId, schemeId);
        } finally {
          await reader.query('ROLLBACK');
        }
      });
    } catch (error) {
      throw asServiceError(error);
    }
  }

  /** Under the exclusive lock: the reader's snapshot is taken and the new scheme made current; nothing can be stored between the two. */
  private async makeCurrent(
    reader: PoolClient,
    versionId: number,
    { bins, counting, replaces }: NewScheme,
    also: Also,
  ): Promise<number> {
    return transaction(
      this.pool,
      async (client) => {
        // Whoever waits for this lock keeps all later writers waiting behind it: not for long.
        await client.query("SET LOCAL lock_timeout = '5s'");
        await client.query(EPOCH_LOCK);
        await client.query('UPDATE scheme_epoch SET epoch = epoch + 1');
        const version = await client.query<{ scheme_id: number }>(
          'SELECT scheme_id FROM model_versions WHERE id = $1',
          [versionId],
        );
        if (version.rows[0] === undefined) throw new ServiceError('conflict', 'The model was deleted meanwhile.');
        if (replaces !== null && version.rows[0].scheme_id !== replaces)
          throw new ServiceError('conflict', 'The model has another bin scheme since.');
        // A recount that is not done is this one's to do, all of it: were its scheme in force for the hours before our window, what it
        // never counted would be missing there, and what it still counts could come after an erasure had taken it out.
        const undone = await client.query<{ from_ts: Date }>(
          'DELETE FROM recounts WHERE version_id = $1 RETURNING from_ts',
          [versionId],
        );
        // Of whole buckets, so that each of them is counted under one scheme.
        const from = new Date(
          Math.min(
            Math.floor(this.windowStarts()(versionId) / HOUR_MS) * HOUR_MS,
            ...undone.rows.map(({ from_ts: ts }) => ts.getTime()),
          ),
        );
        const schemeId = await insertScheme(client, { versionId, bins, counting, countedFrom: from });
        // The snapshot of a repeatable read transaction is taken by its first query.
        await reader.query('SELECT pg_advisory_xact_lock(20612, $1)', [schemeId]);
        await reader.query('SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0');
        await client.query(
          'UPDATE model_versions SET scheme_id = $2, changed_epoch = (SELECT epoch FROM scheme_epoch) WHERE id = $1',
          [versionId, schemeId],
        );
        await client.query('INSERT INTO recounts (scheme_id, version_id, from_ts) VALUES ($1, $2, $3)', [
          schemeId,
          versionId,
          from,
        ]);
        await also(client, schemeId);
        return schemeId;
      },
      // Never repeated: a second attempt would find the reader's snapshot already taken, before its lock.
    );
  }

  private async recount(reader: PoolClient, versionId: number, schemeId: number): Promise<void> {
    await this.registerSegments(reader, versionId);
    const target = this.catalog.current(versionId);
    if (target?.scheme.id !== schemeId) return;
    const payloads: Buffer[] = [];
    const range = {
      modelId: target.modelId,
      versionId,
      fromMs: target.countedFromMs,
      toMs: Infinity,
      limit: Infinity,
    };
    await readPredictions(reader, range, target, ({ batch, labels }) => {
      payloads.push(encodePredictionDelta([binBatch(batch)], [null]));
      const groups = labelGroups({ batch, labels }, target);
      if (groups.length > 0) payloads.push(encodeLabelDelta({ groups, unmatched: new Map() }));
    });
    await transaction(this.pool, async (client) => {
      for (const payload of payloads)
        await client.query('INSERT INTO statistics_delta (recount, payload) VALUES (true, $1)', [payload]);
      await client.query('DELETE FROM recounts WHERE scheme_id = $1', [schemeId]);
    });
  }

  /** Values of segment keys that were not counted apart when the rows came in. */
  private async registerSegments(reader: PoolClient, versionId: number): Promise<void> {
    const target = this.catalog.current(versionId);
    if (target === undefined || target.segments.size === 0) return;
    // Index (model_id, ts) of the partitions in range.
    const { rows } = await reader.query<{ segment: string }>(
      'SELECT DISTINCT segment::text AS segment FROM predictions WHERE model_id = $1 AND version_id = $2 AND ts >= $3 AND segment IS NOT NULL',
      [target.modelId, versionId, new Date(target.countedFromMs)],
    );
    const wants = unregisteredSegments(
      rows.map(() => target),
      rows.map(({ segment }) => segment),
    );
    if (wants.length > 0) await this.catalog.ensure(wants);
  }
}

/** What the labels of a batch count, by bucket and segment. */
export function labelGroups({ batch, labels }: LabelledBatch, target: ModelTarget): PerformanceGroup[] {
  const groups = new Map<string, PerformanceGroup>();
  for (let i = 0; i < batch.rows; i++) {
    const label = labels[i] ?? null;
    if (label === null) continue;
    const start = bucketStart(batch.timeMs[i]!, target.bucketMinutes);
    for (const segmentId of [WHOLE, ...segmentIdsOf(target.segments, batch.segments[i])]) {
      const key = `${segmentId}:${start}`;
      let group = groups.get(key);
      if (group === undefined) {
        group = {
          versionId: target.versionId,
          schemeId: target.scheme.id,
          segmentId,
          bucketStart: start,
          bucketMinutes: target.bucketMinutes,
          change: 'new',
          newestLabelMs: NaN,
          counts: new PerformanceCounts(),
        };
        groups.set(key, group);
      }
      countLabel(group.counts, target, outcomeOf(batch, i), label, NaN);
    }
  }
  return [...groups.values()];
}
