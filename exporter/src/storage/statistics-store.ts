import { setImmediate } from 'node:timers/promises';
import type { Pool, PoolClient, QueryConfig } from 'pg';
import { encodeBucket, mergeToDay } from '../histogram/bucket-codec.ts';
import type { GroupKey } from '../histogram/delta-codec.ts';
import { DAY_MINUTES } from '../histogram/time-bucket.ts';
import { StatisticsTotals } from '../histogram/totals.ts';
import type { StoredTotals } from '../histogram/totals.ts';
import { copyOut } from './copy-out.ts';
import { withClient } from './pool.ts';
import { errorCode } from './storage-error.ts';

export interface StoredDelta {
  readonly id: number;
  readonly recount: boolean;
  readonly erased: boolean;
  readonly payload: Buffer;
}

interface StoredBucket {
  readonly key: GroupKey;
  readonly bytes: Buffer;
}

/** Everything committed at one moment: buckets from `fromMinute` on, all totals, all deltas not folded. */
export interface StatisticsSnapshot {
  readonly buckets: readonly StoredBucket[];
  readonly totals: readonly { readonly versionId: number; readonly totals: StatisticsTotals }[];
  readonly unmatched: readonly { readonly modelId: number; readonly count: number }[];
  readonly deltas: readonly StoredDelta[];
}

export interface FoldInput {
  readonly deltaIds: readonly number[];
  readonly buckets: readonly StoredBucket[];
  readonly totals: readonly { readonly modelId: number; readonly versionId: number; readonly json: string }[];
}

export interface Lease {
  readonly holder: string;
  readonly token: number;
  readonly ttlMs: number;
}

export const EVALUATOR_LEASE = 'evaluator';
const FOLD_REFUSED = 'MH002';

/**
 * One statement. The UPDATE of the lease row is check, fence and renewal in one: it waits for a takeover under way and then matches
 * nothing, and a takeover waits for this statement. All other parts join `lease`, so that without it nothing is written; require()
 * fails the whole when a part matched less than it should. Buckets lie end to end in one bytea, cut by offset and length: pg would
 * send an array of bytea as text, at twice the size.
 */
const FOLD = `
WITH lease AS (
  UPDATE leases SET expires_at = clock_timestamp() + $3 * interval '1 millisecond'
  WHERE name = '${EVALUATOR_LEASE}' AND holder = $1 AND token = $2 RETURNING token
), gone AS (
  -- primary key of statistics_delta
  DELETE FROM statistics_delta d USING lease WHERE d.id = ANY ($4::bigint[]) RETURNING 1
), buckets AS (
  INSERT INTO statistics_bucket AS b (version_id, scheme_id, segment_id, bucket_start, bucket_minutes, fence, payload)
  SELECT u.version_id, u.scheme_id, u.segment_id, u.bucket_start, u.bucket_minutes, lease.token,
    substring($5::bytea FROM u.start + 1 FOR u.length)
  FROM lease, unnest($6::int[], $7::int[], $15::int[], $8::int[], $9::smallint[], $10::int[], $11::int[])
    AS u (version_id, scheme_id, segment_id, bucket_start, bucket_minutes, start, length)
  ON CONFLICT (version_id, scheme_id, segment_id, bucket_start, bucket_minutes)
  DO UPDATE SET fence = excluded.fence, payload = excluded.payload WHERE b.fence <= excluded.fence
  RETURNING 1
), totals AS (
  INSERT INTO statistics_total AS t (model_id, version_id, fence, payload)
  SELECT u.model_id, u.version_id, lease.token, u.payload::jsonb
  FROM lease, unnest($12::int[], $13::int[], $14::text[]) AS u (model_id, version_id, payload)
  ON CONFLICT (model_id, version_id) DO UPDATE SET fence = excluded.fence, payload = excluded.payload WHERE t.fence <= excluded.fence
  RETURNING 1
)
SELECT require((SELECT count(*) FROM lease) = 1, 'the lease was lost'),
       require((SELECT count(*) FROM gone) = cardinality($4::bigint[]), 'a delta was folded by another'),
       require((SELECT count(*) FROM buckets) = cardinality($6::int[]), 'a bucket was stored by a later holder'),
       require((SELECT count(*) FROM totals) = cardinality($12::int[]), 'totals were stored by a later holder')`;

/** As the fold: one statement under the lease, which deletes exactly the buckets that were read, or fails whole. */
const MERGE = `
WITH lease AS (
  UPDATE leases SET expires_at = clock_timestamp() + $3 * interval '1 millisecond'
  WHERE name = '${EVALUATOR_LEASE}' AND holder = $1 AND token = $2 RETURNING token
), gone AS (
  -- primary key of statistics_bucket
  DELETE FROM statistics_bucket b USING lease, unnest($4::int[], $5::int[], $6::int[], $7::int[], $8::smallint[])
    AS u (version_id, scheme_id, segment_id, bucket_start, bucket_minutes)
  WHERE b.version_id = u.version_id AND b.scheme_id = u.scheme_id AND b.segment_id = u.segment_id
    AND b.bucket_start = u.bucket_start AND b.bucket_minutes = u.bucket_minutes
  RETURNING 1
), days AS (
  INSERT INTO statistics_bucket AS b (version_id, scheme_id, segment_id, bucket_start, bucket_minutes, fence, payload)
  SELECT u.version_id, u.scheme_id, u.segment_id, $9, ${DAY_MINUTES}, lease.token, substring($10::bytea FROM u.start + 1 FOR u.length)
  FROM lease, unnest($11::int[], $12::int[], $13::int[], $14::int[], $15::int[]) AS u (version_id, scheme_id, segment_id, start, length)
  ON CONFLICT (version_id, scheme_id, segment_id, bucket_start, bucket_minutes)
  DO UPDATE SET fence = excluded.fence, payload = excluded.payload WHERE b.fence <= excluded.fence
  RETURNING 1
)
SELECT require((SELECT count(*) FROM lease) = 1, 'the lease was lost'),
       require((SELECT count(*) FROM gone) = cardinality($4::int[]), 'a bucket was merged by another'),
       require((SELECT count(*) FROM days) = cardinality($11::int[]), 'a day was stored by a later holder')`;

/** Versions and segments whose hours of one day are merged in one statement: 24 buckets of a few kB each. */
const MERGE_GROUPS = 500;
const MERGED_AT_ONCE = 20;
const DELETE_BATCH = 10_000;
const KEYS_A_QUERY = 500;

/** Deltas, buckets and totals in PostgreSQL. */
export class StatisticsStore {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /** Deltas that are committed now and not among `applied`. */
  async poll(applied: ReadonlySet<number>): Promise<readonly StoredDelta[]> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      return await readDeltas(client, applied);
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /** To be called after the lease was won: no fold of an earlier holder can commit any more. */
  async load(fromMinute: number): Promise<StatisticsSnapshot> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const buckets = await readBuckets(client, `bucket_start >= ${Math.floor(fromMinute)}`);
      const stored = await client.query<{
        model_id: number;
        version_id: number;
        payload: StoredTotals & { readonly unmatched: number };
      }>('SELECT model_id, version_id, payload FROM statistics_total');
      const deltas = await readDeltas(client, new Set());
      await client.query('COMMIT');
      const ofVersions = stored.rows.filter((row) => row.version_id !== 0);
      const ofModels = stored.rows.filter((row) => row.version_id === 0);
      return {
        buckets,
        totals: ofVersions.map((row) => ({
          versionId: row.version_id,
          totals: StatisticsTotals.fromJson(row.payload),
        })),
        unmatched: ofModels.map((row) => ({ modelId: row.model_id, count: row.payload.unmatched })),
        deltas,
      };
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /** Buckets that are not whole in memory; those that do not exist are absent from the answer. */
  async buckets(keys: readonly GroupKey[]): Promise<readonly StoredBucket[]> {
    const client = await this.pool.connect();
    try {
      const found: StoredBucket[] = [];
      for (let from = 0; from < keys.length; from += KEYS_A_QUERY) {
        const rows = keys
          .slice(from, from + KEYS_A_QUERY)
          .map((key) => [key.versionId, key.schemeId, key.segmentId, key.bucketStart, key.bucketMinutes].join());
        // Primary key; integers of ours only.
        const where = `(version_id, scheme_id, segment_id, bucket_start, bucket_minutes) IN (VALUES (${rows.join('), (')}))`;
        found.push(...(await readBuckets(client, where)));
      }
      return found;
    } finally {
      client.release();
    }
  }

  /** Folded buckets of one scheme that begin in one of the spans, minutes since the epoch. Primary key of statistics_bucket. */
  async past(
    versionId: number,
    schemeId: number,
    segmentId: number,
    spans: readonly { readonly from: number; readonly to: number }[],
  ): Promise<readonly StoredBucket[]> {
    const within = spans.map(({ from, to }) => `(bucket_start >= ${from} AND bucket_start < ${to})`).join(' OR ');
    return withClient(this.pool, (client) =>
      readBuckets(
        client,
        `version_id = ${versionId} AND scheme_id = ${schemeId} AND segment_id = ${segmentId} AND (${within})`,
      ),
    );
  }

  /** Start of the oldest bucket that is not merged to a day, minutes since the epoch; null without any. Partial index statistics_bucket_unmerged. */
  async oldestUnmerged(): Promise<number | null> {
    const { rows } = await this.pool.query<{ start: number | null }>(
      `SELECT min(bucket_start) AS start FROM statistics_bucket WHERE bucket_minutes < ${DAY_MINUTES}`,
    );
    return rows[0]!.start;
  }

  /**
   * Merges the buckets of a day into one each; of many models only some. Nothing may be in memory, or come in, for what is so old.
   *
   * @param day minutes since the epoch
   * @returns how many were merged; 0: there are none, or the lease was lost
   */
  async mergeDay(lease: Lease, day: number): Promise<number> {
    const within = `bucket_start >= ${day} AND bucket_start < ${day + DAY_MINUTES}`;
    const stored = await withClient(this.pool, (client) =>
      readBuckets(
        client,
        `${within} AND (version_id, scheme_id, segment_id) IN (
           SELECT DISTINCT version_id, scheme_id, segment_id FROM statistics_bucket
           WHERE bucket_minutes < ${DAY_MINUTES} AND ${within} LIMIT ${MERGE_GROUPS})`,
      ),
    );
    const parts = stored.filter(({ key }) => key.bucketMinutes < DAY_MINUTES);
    if (parts.length === 0) return 0;
    const merged: StoredBucket[] = [];
    for (const of of byOwner(stored)) {
      merged.push({ key: of[0]!.key, bytes: encodeBucket(mergeToDay(day, of)) });
      // Half a second at once, otherwise, in which nobody is answered.
      if (merged.length % MERGED_AT_ONCE === 0) await setImmediate();
    }
    const column = (of: readonly StoredBucket[], name: keyof GroupKey) => of.map(({ key }) => key[name]);
    let end = 0;
    const isStored = await this.fenced({
      name: 'merge',
      text: MERGE,
      values: [
        lease.holder,
        lease.token,
        lease.ttlMs,
        column(parts, 'versionId'),
        column(parts, 'schemeId'),
        column(parts, 'segmentId'),
        column(parts, 'bucketStart'),
        column(parts, 'bucketMinutes'),
        day,
        Buffer.concat(merged.map(({ bytes }) => bytes)),
        column(merged, 'versionId'),
        column(merged, 'schemeId'),
        column(merged, 'segmentId'),
        merged.map(({ bytes }) => (end += bytes.length) - bytes.length),
        merged.map(({ bytes }) => bytes.length),
      ],
    });
    return isStored ? parts.length : 0;
  }

  /** Forgets buckets that begin before; returns how many. Index statistics_bucket_by_time. */
  async deleteBefore(minute: number): Promise<number> {
    let deleted = 0;
    for (;;) {
      const { rowCount } = await this.pool.query(
        `DELETE FROM statistics_bucket WHERE ctid = ANY (ARRAY(SELECT ctid FROM statistics_bucket WHERE bucket_start < $1 LIMIT ${DELETE_BATCH}))`,
        [Math.floor(minute)],
      );
      deleted += rowCount ?? 0;
      if ((rowCount ?? 0) < DELETE_BATCH) return deleted;
    }
  }

  /** false: the lease was lost, or another holder was faster; nothing was written, and the memory is no longer true. */
  async fold(lease: Lease, input: FoldInput): Promise<boolean> {
    let start = 0;
    const offsets = input.buckets.map(({ bytes }) => (start += bytes.length) - bytes.length);
    const of = (part: keyof GroupKey) => input.buckets.map(({ key }) => key[part]);
    return this.fenced({
      name: 'fold',
      text: FOLD,
      values: [
        lease.holder,
        lease.token,
        lease.ttlMs,
        input.deltaIds,
        Buffer.concat(input.buckets.map(({ bytes }) => bytes)),
        of('versionId'),
        of('schemeId'),
        of('bucketStart'),
        of('bucketMinutes'),
        offsets,
        input.buckets.map(({ bytes }) => bytes.length),
        input.totals.map(({ modelId }) => modelId),
        input.totals.map(({ versionId }) => versionId),
        input.totals.map(({ json }) => json),
        of('segmentId'),
      ],
    });
  }

  /** false: the statement refused, and nothing was written. */
  private async fenced(statement: QueryConfig): Promise<boolean> {
    try {
      await this.pool.query(statement);
      return true;
    } catch (error) {
      if (errorCode(error) === FOLD_REFUSED) return false;
      throw error;
    }
  }
}

/** Buckets of the same version, scheme and segment. */
function byOwner(buckets: readonly StoredBucket[]): StoredBucket[][] {
  const groups = new Map<string, StoredBucket[]>();
  for (const bucket of buckets) {
    const owner = `${bucket.key.versionId}:${bucket.key.schemeId}:${bucket.key.segmentId}`;
    const group = groups.get(owner);
    if (group === undefined) groups.set(owner, [bucket]);
    else group.push(bucket);
  }
  return [...groups.values()];
}

/** pg decodes bytea of an ordinary result from hexadecimal; COPY hands over the bytes. Ids are our own integers. */
async function readDeltas(client: PoolClient, applied: ReadonlySet<number>): Promise<StoredDelta[]> {
  const deltas: StoredDelta[] = [];
  const known = applied.size === 0 ? '' : ` WHERE id <> ALL ('{${[...applied].join(',')}}'::bigint[])`;
  await copyOut(
    client,
    `SELECT id, recount, erased, payload FROM statistics_delta${known} ORDER BY id`,
    ([id, recount, erased, payload]) => {
      deltas.push({
        id: Number(id!.readBigInt64BE()),
        recount: recount![0] === 1,
        erased: erased![0] === 1,
        payload: payload!,
      });
    },
  );
  return deltas;
}

async function readBuckets(client: PoolClient, where: string): Promise<StoredBucket[]> {
  const buckets: StoredBucket[] = [];
  await copyOut(
    client,
    `SELECT version_id, scheme_id, segment_id, bucket_start, bucket_minutes, payload FROM statistics_bucket WHERE ${where}`,
    ([versionId, schemeId, segmentId, start, minutes, payload]) => {
      buckets.push({
        key: {
          versionId: versionId!.readInt32BE(),
          schemeId: schemeId!.readInt32BE(),
          segmentId: segmentId!.readInt32BE(),
          bucketStart: start!.readInt32BE(),
          bucketMinutes: minutes!.readInt16BE(),
        },
        bytes: payload!,
      });
    },
  );
  return buckets;
}
